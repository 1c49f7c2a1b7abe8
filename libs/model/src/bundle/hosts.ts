/** Hosts that may be asked when configuration does not say: this machine. */
export const LOOPBACK_HOSTS = 'localhost,127.0.0.1,[::1]';

/**
 * Whether an HTTP(S) URL lies on a host of the list. An entry is a host (any port), `host:port`, `*.domain` (its
 * subdomains) or `*` (every host). Anything else than an HTTP(S) URL is on none.
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

/** Why a URL may not be asked, for whoever named it. */
export function hostRefusal(
  setting: 'ARTIFACT_HOSTS' | 'TARGET_HOSTS',
  allowed: readonly string[],
  url: string,
): string {
  const host = URL.canParse(url) ? new URL(url).host : url;
  return `the host "${host}" is not one that may be asked by HTTP; ${setting} allows ${allowed.join(', ') || 'none'}`;
}
