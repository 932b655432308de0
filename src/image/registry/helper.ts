import { ClocheError } from '../../error.ts';
import type { Credentials } from './identity.ts';

/** The name under which helpers keep an identity token instead of a password. */
const TOKEN = '<token>';
/** What helpers print, with exit code 1, when they have nothing. */
const NOT_FOUND = /credentials not found/i;
/** Milliseconds: it may ask the user to unlock a keychain. */
const TIMEOUT = 120_000;

/**
 * What `docker-credential-NAME get` knows of a registry.
 *
 * Source: docker/docker-credential-helpers, "Development": one word as argument, the registry or
 * JSON on stdin, JSON on stdout.
 * @throws {ClocheError} `CREDENTIAL_HELPER`
 */
export async function helperGet(name: string, server: string): Promise<Credentials | undefined> {
  const { exitCode, stdout } = await run(name, 'get', server);
  if (exitCode !== 0 && NOT_FOUND.test(stdout)) return undefined;
  if (exitCode !== 0) throw failed(name, 'get', stdout);
  const { Username, Secret } = parse(name, stdout);
  if (typeof Username !== 'string' || typeof Secret !== 'string' || Secret === '') return undefined;
  return Username === TOKEN ? { identityToken: Secret } : { username: Username, password: Secret };
}

/** @throws {ClocheError} `CREDENTIAL_HELPER` */
export async function helperStore(name: string, server: string, who: Credentials): Promise<void> {
  const [Username, Secret] =
    'identityToken' in who ? [TOKEN, who.identityToken] : [who.username, who.password];
  const input = JSON.stringify({ ServerURL: server, Username, Secret });
  const { exitCode, stdout } = await run(name, 'store', input);
  if (exitCode !== 0) throw failed(name, 'store', stdout);
}

/** Nothing to erase is no error. @throws {ClocheError} `CREDENTIAL_HELPER` */
export async function helperErase(name: string, server: string): Promise<void> {
  const { exitCode, stdout } = await run(name, 'erase', server);
  if (exitCode !== 0 && !NOT_FOUND.test(stdout)) throw failed(name, 'erase', stdout);
}

async function run(name: string, action: string, input: string) {
  const program = Bun.which(`docker-credential-${name}`, { PATH: process.env.PATH ?? '' });
  if (program === null || name.includes('/'))
    throw new ClocheError('CREDENTIAL_HELPER', `there is no program 'docker-credential-${name}'`, {
      class: 'unavailable',
      hint: 'The docker config names it as credsStore or in credHelpers; install it or remove that line.',
    });
  const child = Bun.spawn([program, action], {
    stdin: Buffer.from(input),
    stdout: 'pipe',
    stderr: 'inherit',
    timeout: TIMEOUT,
  });
  const [stdout, exitCode] = await Promise.all([child.stdout.text(), child.exited]);
  return { stdout: stdout.trim(), exitCode };
}

function parse(name: string, stdout: string): { Username?: unknown; Secret?: unknown } {
  try {
    return Object(JSON.parse(stdout));
  } catch {
    throw failed(name, 'get', 'it prints no JSON');
  }
}

function failed(name: string, action: string, reason: string): ClocheError {
  return new ClocheError(
    'CREDENTIAL_HELPER',
    `'docker-credential-${name} ${action}' failed: ${reason.slice(0, 300)}`,
    { class: 'unavailable', hint: 'Run it by hand; the name of the registry goes to its stdin.' },
  );
}
