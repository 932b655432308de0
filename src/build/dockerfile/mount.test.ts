import { expect, test } from 'bun:test';
import { readMount, understandMount } from './mount.ts';

const values: Record<string, string> = { $T: '/t', $TYPE: 'cache', $N: '7' };
const mount = (text: string) =>
  understandMount(readMount(text), (word) => values[word] ?? word.replaceAll('$N', '7'));

const OWNER = { uid: 0, gid: 0 };

test.each([
  ['target=$T', { type: 'bind', target: '/t', source: '/', from: undefined, readonly: true }],
  [
    'type=bind,from=a,src=b/../c,dst=d,rw',
    { type: 'bind', target: 'd', source: '/c', from: 'a', readonly: false },
  ],
  [
    'type=$TYPE,target=/a/b/',
    {
      ...{ type: 'cache', id: '/a/b', target: '/a/b/', source: '/', from: undefined },
      ...{ readonly: false, sharing: 'shared', mode: 0o755, ...OWNER },
    },
  ],
  [
    'type=cache,destination=/c,id=x$N,sharing=LOCKED,mode=0700,uid=$N,gid=8,ro,from=b,source=s',
    {
      ...{ type: 'cache', id: 'x7', target: '/c', source: '/s', from: 'b' },
      ...{ readonly: true, sharing: 'locked', mode: 0o700, uid: 7, gid: 8 },
    },
  ],
  ['type=tmpfs,target=/t,size=1.5m', { type: 'tmpfs', target: '/t', size: 1572864 }],
  ['type=tmpfs,target=/t', { type: 'tmpfs', target: '/t', size: undefined }],
  [
    'type=secret,id=a/b',
    {
      ...{ type: 'secret', id: 'a/b', target: '/run/secrets/b', env: undefined },
      ...{ required: false, mode: 0o400, ...OWNER },
    },
  ],
  [
    'type=secret,target=/x/k,required',
    {
      ...{ type: 'secret', id: 'k', target: '/x/k', env: undefined },
      ...{ required: true, mode: 0o400, ...OWNER },
    },
  ],
  [
    'type=secret,id=k,env=K,required=false',
    {
      ...{ type: 'secret', id: 'k', target: undefined, env: 'K' },
      ...{ required: false, mode: 0o400, ...OWNER },
    },
  ],
  [
    'type=ssh',
    { type: 'ssh', id: 'default', target: undefined, required: false, mode: 0o600, ...OWNER },
  ],
  [
    '"source=a,""b",target=/x,readonly=0',
    { type: 'bind', target: '/x', source: '/a,"b', from: undefined, readonly: false },
  ],
])('%s', (text, expected) => {
  expect(mount(text)).toEqual(expected as never);
});

test.each([
  ['type=cach,target=/c', 'unsupported mount type "cach" (did you mean cache?)'],
  ['tpye=cache', "unexpected key 'tpye' in 'tpye=cache' (did you mean type?)"],
  ['target', "invalid field 'target' must be a key=value pair"],
  ['', "unexpected key '' in ''"],
  ['from=$X,target=/a', "'from' doesn't support variable expansion"],
  ['type=bind', 'a bind mount requires a target'],
  ['type=cache,target=/c,mode=9', 'invalid value 9 for mode'],
  ['type=cache,target=/c,uid=-1', 'invalid value -1 for uid'],
  ['type=cache,target=/c,sharing=no', 'unsupported sharing value "no"'],
  ['type=bind,target=/c,mode=700', "unexpected key 'mode' for mount type 'bind'"],
  ['type=bind,target=/c,ro=maybe', 'invalid value for readonly: maybe'],
  ['type=tmpfs,target=/c,size=big', "invalid size: 'big'"],
  ['type=secret', 'one of source, target required'],
  ['type=ssh,source=x', 'ssh does not support source'],
  ['"target=/a', 'is not closed'],
])('refuses %s', (text, message) => {
  expect(() => mount(text)).toThrow(message);
});
