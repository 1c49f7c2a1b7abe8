/** Hosts that may be called by default: this machine. */
export const LOOPBACK_HOSTS = 'localhost,127.0.0.1,[::1]';

/**
 * Whether the host of an HTTP(S) URL is on the list. An entry is a host (any port), `host:port`, `*.domain` (its
 * subdomains) or `*` (every host). A URL of any other scheme never is.
 */
export function hostAllowed(allowed: readonly string[], text: string): boolean {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || !/^https?:$/.test(url.protocol)) return false;
  const port = url.port || (url.protocol === 'https:' ? '443' : '80');
  return allowed.some((given) => {
    const entry = given.toLowerCase();
    if (entry === '*') return true;
    if (entry.startsWith('*.')) return url.hostname.endsWith(entry.slice(1));
    return entry === url.hostname || entry === `${url.hostname}:${port}`;
  });
}

/** The error message for a URL whose host is not allowed. `setting` names the configuration variable. */
export function hostRefusal(
  setting: 'ARTIFACT_HOSTS' | 'TARGET_HOSTS',
  allowed: readonly string[],
  url: string,
): string {
  const host = URL.canParse(url) ? new URL(url).host : url;
  return `the host "${host}" may not be called over HTTP; ${setting} allows ${allowed.join(', ') || 'none'}`;
}
