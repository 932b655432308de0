import { expect, test } from 'bun:test';
import { debianSources, listName, parseSources } from './sources.ts';

test('deb822: comments between the lines, several URIs and suites, disabled and source stanzas', () => {
  const content = `# a comment
Types: deb deb-src
# http://snapshot.example/not/a/mirror
URIs: http://one.example/debian
 http://two.example/debian
Suites: bookworm bookworm-updates
Components: main contrib
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb-src
URIs: http://source.example
Suites: bookworm
Components: main

Enabled: no
Types: deb
URIs: http://off.example
Suites: bookworm
Components: main

Types: deb
URIs: http://inline.example/debian
Suites: bookworm-security
Components: main
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 URIs: http://trap.example
 -----END PGP PUBLIC KEY BLOCK-----
`;
  const signedBy = '/usr/share/keyrings/debian-archive-keyring.gpg';
  const both = { components: ['main', 'contrib'], signedBy };
  expect(parseSources('debian.sources', content)).toEqual([
    { uri: 'http://one.example/debian', suite: 'bookworm', ...both },
    { uri: 'http://one.example/debian', suite: 'bookworm-updates', ...both },
    { uri: 'http://two.example/debian', suite: 'bookworm', ...both },
    { uri: 'http://two.example/debian', suite: 'bookworm-updates', ...both },
    {
      uri: 'http://inline.example/debian',
      suite: 'bookworm-security',
      components: ['main'],
      signedBy: undefined,
    },
  ]);
});

test('one-line: options, comments, deb-src', () => {
  const content = `# deb http://commented.example/debian bookworm main
deb http://one.example/debian bookworm main contrib # and why
 deb [ arch=amd64 signed-by=/k.gpg ] http://two.example/debian bookworm-updates main
deb-src http://one.example/debian bookworm main
`;
  expect(parseSources('/etc/apt/sources.list', content)).toEqual([
    {
      uri: 'http://one.example/debian',
      suite: 'bookworm',
      components: ['main', 'contrib'],
      signedBy: undefined,
    },
    {
      uri: 'http://two.example/debian',
      suite: 'bookworm-updates',
      components: ['main'],
      signedBy: '/k.gpg',
    },
  ]);
});

test('a third party is no mirror, whatever its suite is called', () => {
  const source = (uri: string, components = ['main']) => ({ uri, suite: 'bookworm', components });
  const sources = [
    source('https://apt.releases.example.com'),
    source('https://download.docker.com/linux/debian', ['stable']),
    source('cdrom:[Debian]/'),
    source('http://mirror.example.org/debian'),
    source('http://mirror.example/debian/'),
    source('http://said.example/whatever'),
    source('http://liar.example/debian'),
  ];
  const origins: Record<string, string> = {
    'http://said.example/whatever': 'Debian',
    'http://liar.example/debian': 'Liar',
  };
  expect(debianSources(sources, ({ uri }) => origins[uri]).map(({ uri }) => uri)).toEqual([
    'http://mirror.example.org/debian',
    'http://mirror.example/debian/',
    'http://said.example/whatever',
  ]);
});

test('apt’s lists are found by apt’s own quoting', () => {
  const source = { uri: 'http://mirror.example/debian_x/', suite: 'bookworm', components: [] };
  expect(listName(source)).toBe('mirror.example_debian%5fx_dists_bookworm');
});
