import { SCALAR_FUNCTIONS } from './scalar-functions.ts';

/**
 * Every function of the engine (26.7) is on one of these lists. A function that is on none, such as one added by a
 * newer engine, is refused, and the test `analyst-access` names it. Names are compared case-insensitively.
 */
const AGGREGATE = `
    analysisOfVariance anova any any_respect_nulls any_value any_value_respect_nulls anyHeavy anyLast
    anyLast_respect_nulls anyLastRespectNulls anyRespectNulls anyValueRespectNulls approx_top_count approx_top_k
    approx_top_sum argAndMax argAndMin argMax argMin array_agg array_concat_agg avg avgWeighted BIT_AND BIT_OR
    BIT_XOR boundingRatio categoricalInformationValue contingency corr corrMatrix corrStable count COVAR_POP
    COVAR_SAMP covarPop covarPopMatrix covarPopStable covarSamp covarSampMatrix covarSampStable cramersV
    cramersVBiasCorrected cume_dist deltaSum deltaSumTimestamp dense_rank denseRank distinctDynamicTypes
    distinctJSONPaths distinctJSONPathsAndTypes entropy estimateCompressionRatio exponentialMovingAverage
    exponentialTimeDecayedAvg exponentialTimeDecayedCount exponentialTimeDecayedMax exponentialTimeDecayedSum
    first_value first_value_respect_nulls firstValueRespectNulls group_concat groupArray groupArrayInsertAt
    groupArrayIntersect groupArrayLast groupArrayMovingAvg groupArrayMovingSum groupArraySample groupArraySorted
    groupBitAnd groupBitmap groupBitmapAnd groupBitmapOr groupBitmapXor groupBitOr groupBitXor groupConcat
    groupFormat groupNumericIndexedVector groupUniqArray histogram intervalLengthSum kolmogorovSmirnovTest kurtPop
    kurtSamp lag lagInFrame largestTriangleThreeBuckets last_value last_value_respect_nulls lastValueRespectNulls
    lead leadInFrame lttb mannWhitneyUTest max max_by maxIntersections maxIntersectionsPosition maxMappedArrays
    meanZTest median medianBFloat16 medianBFloat16Weighted medianDD medianDeterministic medianExact medianExactHigh
    medianExactLow medianExactWeighted medianExactWeightedInterpolated medianGK medianInterpolatedWeighted
    medianTDigest medianTDigestWeighted medianTiming medianTimingWeighted min min_by minMappedArrays MVTEncode
    nonNegativeDerivative nothing nothingNull nothingUInt64 nth_value ntile percent_rank percentRank quantile
    quantileBFloat16 quantileBFloat16Weighted quantileDD quantileDeterministic quantileExact quantileExactExclusive
    quantileExactHigh quantileExactInclusive quantileExactLow quantileExactWeighted quantileExactWeightedInterpolated
    quantileGK quantileInterpolatedWeighted quantilePrometheusHistogram quantiles quantilesBFloat16
    quantilesBFloat16Weighted quantilesDD quantilesDeterministic quantilesExact quantilesExactExclusive
    quantilesExactHigh quantilesExactInclusive quantilesExactLow quantilesExactWeighted
    quantilesExactWeightedInterpolated quantilesGK quantilesInterpolatedWeighted quantilesPrometheusHistogram
    quantilesTDigest quantilesTDigestWeighted quantilesTiming quantilesTimingWeighted quantileTDigest
    quantileTDigestWeighted quantileTiming quantileTimingWeighted rank rankCorr retention row_number sequenceCount
    sequenceMatch sequenceMatchEvents sequenceNextNode simpleLinearRegression singleValueOrNull skewPop skewSamp
    sparkBar ST_AsMVT STD STDDEV STDDEV_POP STDDEV_SAMP stddevPop stddevPopStable stddevSamp stddevSampStable
    stochasticLinearRegression stochasticLogisticRegression string_agg studentTTest studentTTestOneSample sum
    sumCount sumKahan sumMapFiltered sumMapFilteredWithOverflow sumMappedArrays sumMapWithOverflow sumWithOverflow
    theilsU timeSeriesChangesToGrid timeSeriesDeltaToGrid timeSeriesDerivToGrid timeSeriesGroupArray
    timeSeriesIncreaseToGrid timeSeriesInstantDeltaToGrid timeSeriesInstantRateToGrid timeSeriesLastToGrid
    timeSeriesLastTwoSamples timeSeriesPredictLinearToGrid timeSeriesRateToGrid timeSeriesResampleToGridWithStaleness
    timeSeriesResetsToGrid topK topKWeighted uniq uniqCombined uniqCombined64 uniqExact uniqHLL12 uniqUpTo VAR_POP
    VAR_SAMP varPop varPopStable varSamp varSampStable welchTTest windowFunnel
`;

/**
 * Functions that read files, other tables, dictionaries or the server's state, call out, write to the log, or waste
 * time.
 */
const REFUSED = `
    __actionName __applyFilter __bitBoolMaskAnd __bitBoolMaskOr __bitSwapLastTwo __bitWrapperFunc __getScalar
    __patchPartitionID __scalarSubqueryResult __toYearCalendarOnly addressToLine addressToLineWithInlines
    addressToSymbol aggThrow AIClassify aiEmbed AIExtract AIGenerate AITranslate buildId catboostEvaluate chdb
    demangle dictGet dictGetAll dictGetChildren dictGetDate dictGetDateOrDefault dictGetDateTime
    dictGetDateTimeOrDefault dictGetDescendants dictGetFloat32 dictGetFloat32OrDefault dictGetFloat64
    dictGetFloat64OrDefault dictGetHierarchy dictGetInt16 dictGetInt16OrDefault dictGetInt32 dictGetInt32OrDefault
    dictGetInt64 dictGetInt64OrDefault dictGetInt8 dictGetInt8OrDefault dictGetIPv4 dictGetIPv4OrDefault dictGetIPv6
    dictGetIPv6OrDefault dictGetKeys dictGetOrDefault dictGetOrNull dictGetRoot dictGetString dictGetStringOrDefault
    dictGetUInt16 dictGetUInt16OrDefault dictGetUInt32 dictGetUInt32OrDefault dictGetUInt64 dictGetUInt64OrDefault
    dictGetUInt8 dictGetUInt8OrDefault dictGetUUID dictGetUUIDOrDefault dictHas dictIsIn evalMLMethod file
    filesystemAvailable filesystemCapacity filesystemUnreserved flameGraph formatRow formatRowNoNewline FQDN
    fullHostName fuzzBits fuzzQuery generateSerialID getClientHTTPHeader getMacro getMaxTableNameLengthForDatabase
    getMergeTreeSetting getOSKernelVersion getServerPort getServerSetting hasColumnInTable hasThreadFuzzer hostName
    initial_query_id initial_query_start_time initialQueryID initialQueryStartTime isMergeTreePartCoveredBy joinGet
    joinGetOrNull JSONMergePatch logTrace mergeTreePartInfo naiveBayesClassifier naiveBayesClassifierWithAllProbs
    naiveBayesClassifierWithProb naiveBayesNgrams nested obfuscateQuery obfuscateQueryWithSeed partitionID
    regionHierarchy regionIn regionToArea regionToCity regionToContinent regionToCountry regionToDistrict
    regionToName regionToPopulation regionToTopContinent serverUUID showCertificate sleep sleepEachRow
    structureToCapnProtoSchema structureToProtobufSchema tcpPort tid timeSeriesCopyTag timeSeriesCopyTags
    timeSeriesExtractTag timeSeriesGroupToSamplingKey timeSeriesGroupToTags timeSeriesIdToGroup timeSeriesIdToTags
    timeSeriesIdToTagsGroup timeSeriesJoinTags timeSeriesRemoveAllTagsExcept timeSeriesRemoveTag timeSeriesRemoveTags
    timeSeriesReplaceTag timeSeriesStoreTags timeSeriesTagsGroupToTags timeSeriesTagsToGroup
    timeSeriesThrowDuplicateSeriesIf transactionID transactionLatestSnapshot transactionOldestSnapshot
    validateNestedArraySizes zookeeperSessionUptime
`;

/** Combinators after an aggregate function's name: `sumIf`, `quantileMergeState`. */
const COMBINATORS =
  /(SimpleState|OrDefault|Distinct|Resample|ForEach|ArgMax|ArgMin|OrNull|Tuple|Merge|State|Array|Null|Map|If)$/i;

const names = (text: string): ReadonlySet<string> => new Set(text.toLowerCase().split(/\s+/).filter(Boolean));
const scalar = names(Object.values(SCALAR_FUNCTIONS).join(' '));
const aggregate = names(AGGREGATE);
export const refusedFunctions = names(REFUSED);

/** Whether an analyst may call it: a function on the lists, or an aggregate function with combinators. Pure. */
export function isReadableFunction(name: string): boolean {
  if (scalar.has(name.toLowerCase())) return true;
  for (let base = name; ; base = base.replace(COMBINATORS, '')) {
    if (aggregate.has(base.toLowerCase())) return true;
    if (!COMBINATORS.test(base)) return false;
  }
}
