/**
 * `chanceOfCandidate` and `ReturningUnits` of libs/stats as SQL. `assigned` is a query with the rows (unit, weight,
 * arm, arrived_at) of every exposure; weight is the candidate's share.
 */

/** Units that were control at no less than a share at which they were the candidate. */
export const crossedUnits = (assigned: string): string => `
  SELECT unit FROM (${assigned}) GROUP BY unit
  HAVING uniqExact(arm) > 1 AND maxIf(weight, arm = 'control') >= minIf(weight, arm != 'control')`;

/**
 * One row for each share at which a unit was met: its arm there, when that was first (`met`), which of the unit's
 * shares it was (`place`), and the probability, given its arms at those before, that it is the candidate's (`chance`).
 * Crossed units are left out.
 */
export const metShares = (assigned: string): string => `
  SELECT unit, weight, arm, met, place, round(greatest(0, least(1, (weight - low) / (high - low))), 9) AS chance FROM (
    SELECT unit, weight, arm, met,
      row_number() OVER (PARTITION BY unit ORDER BY met, weight) AS place,
      max(if(arm = 'control', weight, 0)) OVER before AS low,
      round(1 - max(if(arm != 'control', 1 - weight, 0)) OVER before, 9) AS high,
      max(if(arm = 'control', weight, 0)) OVER (PARTITION BY unit) AS highest_control,
      round(1 - max(if(arm != 'control', 1 - weight, 0)) OVER (PARTITION BY unit), 9) AS lowest_candidate
    FROM (SELECT unit, weight, arm, min(arrived_at) AS met FROM (${assigned}) GROUP BY unit, weight, arm)
    WINDOW before AS (PARTITION BY unit ORDER BY met, weight ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING))
  WHERE highest_control < lowest_candidate`;

/**
 * Those of `events` (rows of unit, weight, second: one a unit and share) that count, with their arm and chance: not
 * those that came after an event of the same unit at a share that it met later.
 * @param shares a query with the rows of {@link metShares}
 * @param also further columns of `events` to keep
 */
export const inOrder = (shares: string, events: string, also: readonly string[] = []): string => `
  SELECT arm, chance, second${also.map((c) => `, ${c}`).join('')} FROM (
    SELECT m.arm AS arm, m.chance AS chance, e.second AS second${also.map((c) => `, e.${c} AS ${c}`).join('')},
      max(-toInt64(e.second)) OVER (
        PARTITION BY m.unit ORDER BY m.place DESC ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
      ) AS later
    FROM (${shares}) AS m INNER JOIN (${events}) AS e ON e.unit = m.unit AND e.weight = m.weight)
  WHERE later = 0 OR toInt64(second) <= -later`;
