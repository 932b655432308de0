import { expect, test } from 'bun:test';
import { formatWith, list } from './index.ts';

const BOX = {
  Id: 'abc',
  State: { Pid: 7, Running: true, Paused: false },
  Config: { Env: ['A=1', 'B=2'], Labels: { 'a.b': 'x', c: 'y' }, Cmd: null },
  Mounts: [{ Source: '/a' }, { Source: '/b' }],
};

test.each([
  ['{{.State.Pid}}', '7'],
  ['{{ .Id }} is {{.State.Running}}', 'abc is true'],
  ['{{.}}', 'map[Config:'],
  ['{{json .State}}', '{"Pid":7,"Running":true,"Paused":false}'],
  ['{{.Config.Cmd | json}}', 'null'],
  ['{{.Config.Cmd}}', '<no value>'],
  ['{{.Config.Env}} {{.Config.Labels}}', '[A=1 B=2] map[a.b:x c:y]'],
  ['{{index .Config.Labels "a.b"}}', 'x'],
  ['[{{index .Config.Labels "none"}}]', '[]'],
  ['{{(index .Mounts 1).Source}}', '/b'],
  ['{{range .Mounts}}{{.Source}} {{end}}', '/a /b '],
  ['{{range $i, $m := .Mounts}}{{$i}}={{$m.Source}},{{end}}', '0=/a,1=/b,'],
  ['{{range $k, $v := .Config.Labels}}{{$k}}={{$v}};{{end}}', 'a.b=x;c=y;'],
  ['{{range .Config.Cmd}}x{{else}}none{{end}}', 'none'],
  ['{{if .State.Paused}}paused{{else if .State.Running}}running{{else}}no{{end}}', 'running'],
  ['{{if and .State.Running (not .State.Paused)}}yes{{end}}', 'yes'],
  ['{{with .State}}{{.Pid}} of {{$.Id}}{{end}}', '7 of abc'],
  ['{{if eq .Id "abc"}}=={{end}}{{if ne .State.Pid 8}}!={{end}}', '==!='],
  ['{{join .Config.Env ", "}} {{len .Config.Env}}', 'A=1, B=2 2'],
  ['{{upper .Id}}{{.Id | printf "%5s|%-5s|%q" "x" "y"}}', 'ABC    x|y    |"abc"'],
  ['{{println .Id}}', 'abc\n'],
  ['a {{- /* nothing */ -}} b {{- .Id -}} c', 'ababcc'],
  ['no action', 'no action'],
])('%s', (template, says) => {
  expect(formatWith(template)(BOX)).toStartWith(says);
});

test.each([
  ['{{.State.Pidd}}', 'map has no entry for key "Pidd"'],
  ['{{.Id.Length}}', 'map has no entry for key "Length"'],
  ['{{.constructor}}', 'map has no entry for key "constructor"'],
  ['{{nope .Id}}', 'function "nope" not defined'],
  ['{{toString .Id}}', 'function "toString" not defined'],
  ['{{$x}}', 'undefined variable "$x"'],
  ['{{.Id', 'unclosed action'],
  ['{{range .Mounts}}', 'unexpected EOF'],
  ['{{if .Id}}a{{else}}b', 'unexpected EOF'],
  ['{{end}}', 'unexpected {{end}}'],
  ['{{}}', 'missing value'],
  ['{{.Id | }}', 'missing value'],
  ['{{"a}}', 'unexpected'],
  ['{{json (.Id}}', 'unexpected'],
])('%s is an error that says where', (template, says) => {
  expect(() => formatWith(template)(BOX)).toThrow(says);
});

const COLUMNS = { headings: { ID: 'IMAGE ID', Size: 'SIZE' }, shown: ['ID', 'Size'] };
const ROWS = [
  { ID: 'a', Size: '1MB' },
  { ID: 'bbbbbbbbbbbb', Size: '2B' },
];

test.each([
  [undefined, 'IMAGE ID       SIZE\na              1MB\nbbbbbbbbbbbb   2B\n'],
  ['json', '{"ID":"a","Size":"1MB"}\n{"ID":"bbbbbbbbbbbb","Size":"2B"}\n'],
  ['{{.Size}}', '1MB\n2B\n'],
  ['table {{.Size}}\\t{{.ID}}', 'SIZE   IMAGE ID\n1MB    a\n2B     bbbbbbbbbbbb\n'],
])('a list in the format %s', (format, says) => {
  expect(list(ROWS, COLUMNS, format)).toBe(says);
});
