import { describe, expect, it } from 'vitest';
import { hostAllowed, LOOPBACK_HOSTS } from './hosts.ts';

describe('the hosts that may be called', () => {
  it.each([
    ['models.example', 'http://models.example:81/x', true],
    ['models.example:443', 'https://models.example/x', true],
    ['models.example:443', 'http://models.example/x', false],
    ['models.example', 'http://models.example.evil.test/', false],
    ['models.example', 'http://models.example@evil.test/', false],
    ['models.example', 'http://sub.models.example/', false],
    ['*.models.example', 'http://sub.models.example/', true],
    ['*.models.example', 'http://evilmodels.example/', false],
    ['MODELS.example', 'http://models.EXAMPLE/', true],
    ['*', 'http://169.254.169.254/latest', true],
    ['*', 'file:///etc/passwd', false],
    [LOOPBACK_HOSTS, 'http://127.0.0.1:9000/', true],
    [LOOPBACK_HOSTS, 'http://[::1]:9000/', true],
    // Other spellings of an IP address are equivalent to its canonical form.
    [LOOPBACK_HOSTS, 'http://2130706433/', true],
    [LOOPBACK_HOSTS, 'http://0xa9fea9fe/', false],
    [LOOPBACK_HOSTS, 'http://169.254.169.254/latest', false],
    ['', 'http://127.0.0.1/', false],
  ])('%s: %s is %s', (allowed, url, expected) => {
    expect(hostAllowed(allowed.split(','), url)).toBe(expected);
  });
});
