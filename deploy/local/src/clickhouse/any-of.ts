/** Matches a whole name that is one of these patterns, which are separated by spaces. Pure. */
export function anyOf(patterns: string, flags = ''): RegExp {
  return new RegExp(`^(${patterns.trim().split(/\s+/).join('|')})$`, flags);
}
