/**
 * Why an engine cannot be used, as data that a person can act on. Reads error codes and the words
 * of ssh and of the engines; decides nothing else.
 */
import { EngineError, isErrorCode, messageOf } from '../../base/errors';
import type { Problem } from '../../model/snapshot';
import type { EngineTarget } from './engineTarget';

/** An EngineError that already knows what to tell. */
export class EngineProblemError extends EngineError {
  /**
   * @param retryAfterMs the least time before it makes sense to try again, where trying costs
   *   something (a failed ssh login may be counted against the user).
   */
  constructor(
    readonly problem: Problem,
    readonly retryAfterMs = 0,
    options?: { cause?: unknown },
  ) {
    super(`${problem.message} ${problem.advice}`, options);
  }
}

export function problemOf(error: unknown, target: EngineTarget): Problem {
  if (error instanceof EngineProblemError) return error.problem;
  const code = errnoOf(error);
  if (code === 'EACCES' || code === 'EPERM') return permissionProblem(target);
  if (isTlsFailure(error, code)) return tlsProblem(error, target);
  if (code === 'ENOENT' || code === 'ECONNREFUSED') return notRunningProblem(target, code);
  if (isErrorCode(error, 'timeout')) {
    return {
      code: 'engine-timeout',
      message: `The engine at ${target.uri} takes connections but does not answer.`,
      advice: 'Look at its log, or restart it.',
    };
  }
  return {
    code: 'engine-unreachable',
    message: `The engine at ${target.uri} cannot be used: ${messageOf(error).trim()}.`,
    advice: target.kind === 'tcp' ? 'Check the address and the network.' : 'Look at its log.',
  };
}

/** The errno word of a system error, anywhere in its chain of causes. */
export function errnoOf(error: unknown): string | undefined {
  for (let at: unknown = error, depth = 0; at instanceof Error && depth < 5; depth++) {
    const { code } = at as NodeJS.ErrnoException;
    if (typeof code === 'string' && /^E[A-Z]|_/.test(code)) return code;
    at = at.cause ?? (at as { errors?: unknown[] }).errors?.[0];
  }
  return undefined;
}

/** The HTTP status with which an engine refused, if it was that. */
export function statusCodeOf(error: unknown): number | undefined {
  const status = (error as { statusCode?: unknown } | undefined)?.statusCode;
  return typeof status === 'number' ? status : undefined;
}

/** What the engine itself said, without docker-modem's "(HTTP code 404) no such container - ". */
export function engineMessageOf(error: unknown): string {
  return messageOf(error)
    .replace(/^\(HTTP code \d+\) [^-]*- /, '')
    .trim();
}

function permissionProblem(target: EngineTarget): Problem {
  const path = target.kind === 'unix' ? target.path : target.uri;
  const isPodman = path.includes('podman');
  return {
    code: 'engine-permission',
    message: `You may not use the engine socket ${path}.`,
    advice: isPodman
      ? 'Containers of the system Podman belong to root: run as root, or run yours with rootless Podman (systemctl --user start podman.socket).'
      : 'Run "sudo usermod -aG docker $USER" and log in again (that group is as good as root), or use a rootless engine.',
  };
}

function notRunningProblem(target: EngineTarget, code: string): Problem {
  const where = target.kind === 'unix' || target.kind === 'npipe' ? target.path : target.uri;
  const isPodman = where.includes('podman');
  return {
    code: 'engine-not-running',
    message:
      code === 'ENOENT'
        ? `No engine is running: there is no ${where}.`
        : `No engine is running: nothing listens on ${where}.`,
    advice: isPodman
      ? 'Start it: "systemctl --user start podman.socket", or "podman machine start" where Podman runs in a machine.'
      : 'Start it: "sudo systemctl start docker", or the Docker Desktop application.',
  };
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
  // Plain HTTP to a TLS port: Go's net/http answers so.
  return statusCodeOf(error) === 400 && messageOf(error).includes('HTTP request to an HTTPS');
}

function tlsProblem(error: unknown, target: EngineTarget): Problem {
  return {
    code: 'engine-tls',
    message: `The engine at ${target.uri} and we do not agree on TLS: ${engineMessageOf(error)}.`,
    advice:
      'Check DOCKER_TLS_VERIFY and DOCKER_CERT_PATH (ca.pem, cert.pem, key.pem), or the TLS files of the context.',
  };
}
