import { Database } from 'bun:sqlite';
import {
  constants,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  rmdirSync,
  rmSync,
  unlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';

/**
 * The least that a `run` has to do, and nothing else: a row in the database, the container's directories and
 * files, its id in the bytes of a plan that is known, a walker, and all of that away again. No words are read,
 * no image is looked for, no machine asked, nothing checked. Compiled by the bench, as the command is.
 *
 * Words: the state's root, a mould, the walker.
 */
const [root = '', mould = '', walker = ''] = process.argv.slice(2);
const db = new Database(`${root}/cloche.db`, { strict: true });
db.run('PRAGMA busy_timeout = 20000; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;');
const id = Buffer.from(crypto.getRandomValues(new Uint8Array(32))).toString('hex');
const number = Number.parseInt(id.slice(0, 8), 16) + 70_000;
db.query('INSERT INTO addresses (number, id) VALUES (?, ?)').run(number, id);

const snapshot = `${root}/snapshots/active-${id.slice(0, 16)}`;
const own = `${root}/containers/${id}`;
const files = ['hostname', 'hosts', 'resolv.conf', 'exit'].map((name) => `${own}/${name}`);
for (const path of [snapshot, `${snapshot}/fs`, `${snapshot}/work`, own]) mkdirSync(path);
for (const path of files) writeFileSync(path, new Uint8Array(64));

const file = readFileSync(mould);
const end = file.indexOf('\n');
const heading = JSON.parse(file.toString('utf8', 0, end)) as {
  places: [number, number][];
  status: number;
};
const plan = file.subarray(end + 1);
for (const [at, length] of heading.places) plan.write(id.slice(0, length), at);
const O_TMPFILE = 0o20000000 | constants.O_DIRECTORY;
const memory = openSync('/dev/shm', O_TMPFILE | constants.O_RDWR, 0o600);
writeSync(memory, plan);
const child = Bun.spawn([walker], {
  // The plan is fd 3, and what it says nobody hears, is 4.
  stdio: ['inherit', 'inherit', 'inherit', memory, 'pipe'] as never,
  env: {},
});
const code = await child.exited;
const status = new Uint8Array(8);
readSync(memory, status, 0, 8, heading.status);

for (const path of files) unlinkSync(path);
rmdirSync(own);
for (const name of readdirSync(`${snapshot}/work`))
  rmSync(join(snapshot, 'work', name), { recursive: true });
for (const path of [`${snapshot}/work`, `${snapshot}/fs`, snapshot]) rmdirSync(path);
db.query('DELETE FROM addresses WHERE id = ?').run(id);
process.exit(code === 0 && status.every((byte) => byte === 0) ? 0 : 1);
