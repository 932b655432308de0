import { readFileSync, statSync } from 'node:fs';
import { ClocheError } from '../../error.ts';

/** What `--secret` and `--ssh` gave; none of it is ever part of a layer, a cache key or a record. */
export interface Secrets {
  /** By id. */
  readonly files: ReadonlyMap<string, Uint8Array>;
  /** Paths of agents' sockets, by id. */
  readonly agents: ReadonlyMap<string, string>;
}

export const NO_SECRETS: Secrets = { files: new Map(), agents: new Map() };

/** As large as BuildKit lets one be, in bytes. */
const MAX_SECRET = 500 * 1024;

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Reads what `--secret id=…,src=…` or `id=…,env=…` names, in docker's words.
 *
 * @throws {ClocheError} `SECRET_INVALID`
 */
export function readSecrets(
  secrets: readonly string[],
  environment: Environment = process.env,
): Secrets['files'] {
  return new Map(secrets.map((text) => readSecret(text, environment)));
}

/** An agent that is there, or the files of private keys for one. */
export type AgentSource =
  | { readonly id: string; readonly socket: string; readonly keys?: undefined }
  | { readonly id: string; readonly keys: readonly string[] };

/**
 * Reads what `--ssh id[=socket]` or `id=key[,key]` names, in docker's words.
 *
 * @throws {ClocheError} `SSH_INVALID`
 */
export function readAgents(
  texts: readonly string[],
  environment: Environment = process.env,
): AgentSource[] {
  return texts.map((text) => readAgent(text, environment));
}

function readSecret(text: string, environment: Environment): [string, Uint8Array] {
  const fields = new Map(text.split(',').map((field) => splitField(field, text)));
  const id = fields.get('id');
  if (id === undefined || id === '')
    throw refused('SECRET_INVALID', `invalid secret '${text}': id is missing`, SECRET_HINT);
  const file = fields.get('src') ?? fields.get('source');
  const isVariable = fields.get('type') === 'env';
  const byName = environment[id] === undefined ? undefined : id;
  const name =
    fields.get('env') ?? (isVariable ? (file ?? id) : file === undefined ? byName : undefined);
  if (name === undefined) return [id, fileContent(file ?? id)];
  return [id, Buffer.from(environment[name] ?? '')];
}

function splitField(field: string, text: string): [string, string] {
  const at = field.indexOf('=');
  const key = field.slice(0, at).toLowerCase();
  if (at < 0)
    throw refused(
      'SECRET_INVALID',
      `invalid field '${field}' must be a key=value pair`,
      SECRET_HINT,
    );
  if (!['id', 'src', 'source', 'env', 'type'].includes(key))
    throw refused('SECRET_INVALID', `unexpected key '${key}' in '${text}'`, SECRET_HINT);
  return [key, field.slice(at + 1)];
}

const SECRET_HINT = 'It looks like --secret id=npmrc,src=.npmrc or --secret id=token,env=TOKEN.';

function fileContent(path: string): Uint8Array {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat?.isFile() !== true)
    throw refused('SECRET_INVALID', `failed to stat ${path}: no such file`, SECRET_HINT);
  if (stat.size > MAX_SECRET)
    throw refused('SECRET_INVALID', `invalid secret size ${stat.size}`, 'The limit is 500 KiB.');
  return readFileSync(path);
}

function readAgent(text: string, environment: Environment): AgentSource {
  const [id = 'default', said = environment.SSH_AUTH_SOCK ?? ''] = text.split(/=(.*)/s, 2);
  const paths = said.split(',').filter((path) => path !== '');
  const [socket] = paths;
  if (socket === undefined)
    throw refused(
      ...([
        'SSH_INVALID',
        'invalid empty ssh agent socket: make sure SSH_AUTH_SOCK is set',
      ] as const),
      'Start an agent (eval $(ssh-agent); ssh-add), or say --ssh default=/path/of/its/socket.',
    );
  const kinds = paths.map((path) => statSync(path, { throwIfNoEntry: false }));
  if (paths.length === 1 && kinds[0]?.isSocket()) return { id, socket };
  if (kinds.every((stat) => stat?.isFile())) return { id, keys: paths };
  const wrong = paths.find((_, i) => kinds[i]?.isFile() !== true) ?? said;
  throw refused(
    ...(['SSH_INVALID', `'${wrong}' is neither the socket of an agent nor a key`] as const),
    'It looks like --ssh default=$SSH_AUTH_SOCK, or --ssh default=key.pem,other.pem.',
  );
}

function refused(code: string, message: string, hint: string): ClocheError {
  return new ClocheError(code, message, { class: 'invalid-argument', hint });
}
