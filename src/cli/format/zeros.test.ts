import { expect, test } from 'bun:test';
import { formatWith } from './index.ts';
import { withZeros } from './zeros.ts';

/** Of an image that has nothing but its layers. */
const BARE = { Id: 'abc', Config: { Cmd: ['sh'] }, RootFS: { Type: 'layers', Layers: ['x'] } };
const BOX = { Id: 'abc', State: { Pid: 7 }, Config: { Entrypoint: null, User: 'moss' } };

test.each([
  ['<{{.Config.User}}>', '<>'],
  ['{{.Config.Entrypoint}} {{json .Config.Entrypoint}}', '[] null'],
  ['{{.Config.Volumes}} {{json .Config.ExposedPorts}}', 'map[] null'],
  ['{{len .Config.OnBuild}}{{range .Config.Env}}x{{end}}{{range .Config.Labels}}x{{end}}', '0'],
  ['{{if .Config.Healthcheck}}yes{{else}}no{{end}} {{if .Config.Volumes}}yes{{end}}', 'no '],
  ['<{{.Variant}}{{.Parent}}{{.DockerVersion}}{{.Author}}>', '<>'],
  ['{{.Metadata.LastTagTime}}', '0001-01-01 00:00:00 +0000 UTC'],
  [
    '{{.Config.Cmd}} {{json .Config}} {{json .RootFS}}',
    '[sh] {"Cmd":["sh"]} {"Type":"layers","Layers":["x"]}',
  ],
  ['{{json .}}', JSON.stringify(BARE)],
])('of an image without it, %s is %s', (template, says) => {
  expect(formatWith(template)(withZeros(BARE))).toBe(says);
});

test.each([
  ['{{.Config.Entrypoint}} {{json .Config.Entrypoint}} {{.Config.User}}', '[] null moss'],
  ['{{.Config.OnBuild}}{{.RestartCount}}{{.State.Error}} {{.State.Restarting}}', '[]0 false'],
  ['{{json .}}', JSON.stringify(BOX)],
])('of a container, %s is %s', (template, says) => {
  expect(formatWith(template)(withZeros(BOX))).toBe(says);
});

test('a misspelt field goes on to be an error, and what is empty is not proposed', () => {
  const render = formatWith('{{.Config.Usr}}');
  expect(() => render(withZeros(BARE))).toThrow('map has no entry for key "Usr"');
  try {
    render(withZeros(BARE));
  } catch (error) {
    expect(error).toMatchObject({ hint: 'there are Cmd' });
  }
});
