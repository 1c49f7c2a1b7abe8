import type { LoggerService } from '@nestjs/common';
import { destination, type Logger, pino } from 'pino';

export type { Logger } from 'pino';

/** JSON lines on stdout. */
export function createLogger(service: string, instance: string, level: string): Logger {
  const stdout = destination(1);
  // A full disk makes writing to the log fail; that must not end a service that can still answer.
  stdout.on('error', () => undefined);
  return pino({ level, base: { service, instance }, timestamp: pino.stdTimeFunctions.isoTime }, stdout);
}

/** Lets Nest log through pino; its start-up messages are logged at level debug. */
export function nestLogger(log: Logger): LoggerService {
  const context = (rest: unknown[]) => ({ context: rest.at(-1) });
  return {
    log: (message: unknown, ...rest: unknown[]) => log.debug(context(rest), String(message)),
    error: (message: unknown, ...rest: unknown[]) =>
      log.error(context(rest), message instanceof Error ? (message.stack ?? message.message) : String(message)),
    warn: (message: unknown, ...rest: unknown[]) => log.warn(context(rest), String(message)),
    debug: (message: unknown, ...rest: unknown[]) => log.debug(context(rest), String(message)),
    verbose: (message: unknown, ...rest: unknown[]) => log.trace(context(rest), String(message)),
    fatal: (message: unknown, ...rest: unknown[]) => log.fatal(context(rest), String(message)),
  };
}
