import { expect, test } from 'bun:test';
import { readAgents, readSecrets } from './secrets.ts';

const read = (text: string, environment = {}) =>
  Buffer.from([...readSecrets([text], environment).values()][0] ?? []).toString();

test('a secret is a file, a variable, or the variable that has its name', () => {
  expect(read(`id=a,src=${import.meta.path}`)).toContain('the variable that has its name');
  expect(read('id=a,env=B', { B: 'b' })).toBe('b');
  expect(read('type=env,id=a,src=B', { B: 'b' })).toBe('b');
  expect(read('id=A', { A: 'a' })).toBe('a');
});

test.each([
  ['src=x', "invalid secret 'src=x': id is missing"],
  ['id', "invalid field 'id' must be a key=value pair"],
  ['id=a,file=x', "unexpected key 'file' in 'id=a,file=x'"],
  ['id=a,src=/nowhere/x', 'failed to stat /nowhere/x: no such file'],
])('%s is refused', (text, message) => {
  expect(() => read(text)).toThrow(message);
});

test('an agent is a socket, or the files of keys', () => {
  const agent = (text: string, environment = {}) => readAgents([text], environment)[0];
  expect(() => agent('default')).toThrow('make sure SSH_AUTH_SOCK is set');
  expect(() => agent('a=/nowhere')).toThrow("'/nowhere' is neither the socket of an agent nor");
  expect(() => agent('a=/etc/passwd,/etc')).toThrow("'/etc' is neither");
  expect(agent('a=/etc/passwd,/etc/group')).toEqual({
    id: 'a',
    keys: ['/etc/passwd', '/etc/group'],
  });
});
