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
 * Reads what `--secret id=…,src=…` or `id=…,env=…` and `--ssh id[=socket]` name, in docker's words.
 *
 * @throws {ClocheError} `SECRET_INVALID`, `SSH_INVALID`
 */
export function readSecrets(
  secrets: readonly string[],
  agents: readonly string[],
  environment: Environment = process.env,
): Secrets {
  return {
    files: new Map(secrets.map((text) => readSecret(text, environment))),
    agents: new Map(agents.map((text) => readAgent(text, environment))),
  };
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

function readAgent(text: string, environment: Environment): [string, string] {
  const [id = 'default', path = environment.SSH_AUTH_SOCK ?? ''] = text.split('=', 2);
  if (path === '')
    throw refused(
      ...([
        'SSH_INVALID',
        'invalid empty ssh agent socket: make sure SSH_AUTH_SOCK is set',
      ] as const),
      'Start an agent (eval $(ssh-agent); ssh-add), or say --ssh default=/path/of/its/socket.',
    );
  if (statSync(path, { throwIfNoEntry: false })?.isSocket() !== true)
    throw refused(
      ...(['SSH_INVALID', `'${path}' is not the socket of an agent`] as const),
      'Keys are not read from files: add yours to an agent with ssh-add.',
    );
  return [id, path];
}

function refused(code: string, message: string, hint: string): ClocheError {
  return new ClocheError(code, message, { class: 'invalid-argument', hint });
}
