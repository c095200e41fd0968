import { isErrorCode, messageOf } from '../../base/errors';
import { type Problem, ProblemError } from '../../model/problem';
import type { EngineTarget } from './engineTarget';

/** Why an engine cannot be used. */
export class EngineProblemError extends ProblemError {
  /**
   * @param retryAfterMs how long at least another attempt makes no sense, because attempts cost
   * something (a failed ssh login may be counted against the user).
   */
  constructor(
    problem: Problem,
    readonly retryAfterMs = 0,
    options?: { cause?: unknown },
  ) {
    super('engine', problem, options);
  }
}

/** Why an engine cannot be used, from the error's code and the engine's words. */
export function problemOf(error: unknown, target: EngineTarget): Problem {
  if (error instanceof EngineProblemError) return error.problem;
  const code = errnoOf(error);
  const place = target.kind === 'unix' || target.kind === 'npipe' ? target.path : target.uri;
  if (code === 'EACCES' || code === 'EPERM') return { code: 'engine-permission', path: place };
  const { uri } = target;
  if (isTlsFailure(error, code)) {
    return { code: 'engine-tls', uri, detail: engineMessageOf(error) };
  }
  if (code === 'ENOENT' || code === 'ECONNREFUSED') {
    return { code: 'engine-not-running', path: place, isMissing: code === 'ENOENT' };
  }
  if (isErrorCode(error, 'timeout')) return { code: 'engine-timeout', uri };
  return { code: 'engine-unreachable', uri, detail: messageOf(error).trim() };
}

/** The errno word of a system error (such as ENOENT), anywhere in its chain of causes. */
export function errnoOf(error: unknown): string | undefined {
  for (let at: unknown = error, depth = 0; at instanceof Error && depth < 5; depth++) {
    const { code } = at as NodeJS.ErrnoException;
    if (typeof code === 'string' && /^E[A-Z]|_/.test(code)) return code;
    at = at.cause ?? (at as { errors?: unknown[] }).errors?.[0];
  }
  return undefined;
}

/** The HTTP status with which an engine refused, if it did. */
export function statusCodeOf(error: unknown): number | undefined {
  const status = (error as { statusCode?: unknown } | undefined)?.statusCode;
  return typeof status === 'number' ? status : undefined;
}

/** The engine's own message, without docker-modem's "(HTTP code 404) no such container - ". */
export function engineMessageOf(error: unknown): string {
  return messageOf(error)
    .replace(/^\(HTTP code \d+\) [^-]*- /, '')
    .trim();
}

const tlsCodes = new Set([
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'CERT_HAS_EXPIRED',
  'CERT_NOT_YET_VALID',
  'CERT_SIGNATURE_FAILURE',
  'HOSTNAME_MISMATCH',
  'EPROTO',
]);

function isTlsFailure(error: unknown, code: string | undefined): boolean {
  if (code !== undefined && (tlsCodes.has(code) || /^ERR_(TLS|SSL|OSSL)_/.test(code))) return true;
  // Go's net/http answers this to plain HTTP on a TLS port.
  return statusCodeOf(error) === 400 && messageOf(error).includes('HTTP request to an HTTPS');
}
