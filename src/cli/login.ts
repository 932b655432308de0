import { Command } from 'commander';
import { ClocheError } from '../error.ts';
import { type Credentials, findCredentials, login, registryName } from '../image/registry/index.ts';
import { interruptible } from './interrupt.ts';
import { printWarnings } from './output.ts';
import { print } from './print.ts';
import { prompt } from './prompt.ts';

/** `cloche login`: who we are at a registry, kept where docker keeps it. */
export function loginCommand(): Command {
  return new Command('login')
    .description('Authenticate to a registry')
    .argument('[server]', 'Docker Hub, if it is not given')
    .option('-u, --username <name>', 'username')
    .option('-p, --password <password>', 'password or personal access token')
    .option('--password-stdin', 'take the password from stdin', false)
    .action(async (server: string | undefined, flags: Flags) => {
      const domain = registryName(server);
      verify(flags);
      const isBare = flags.username === undefined && flags.password === undefined;
      if (isBare && (await loginAgain(domain))) return;
      const who = await credentialsOf(flags);
      await loginAs(domain, who);
    });
}

interface Flags {
  readonly username?: string;
  readonly password?: string;
  readonly passwordStdin: boolean;
}

function verify({ username, password, passwordStdin }: Flags): void {
  if (password !== undefined && passwordStdin)
    throw refused('--password and --password-stdin are mutually exclusive');
  if (passwordStdin && !username) throw refused('Must provide --username with --password-stdin');
  if (password !== undefined)
    printWarnings(['Using --password via the CLI is insecure. Use --password-stdin.']);
}

/** With what is known already, as docker tries it; if the registry refuses it, it is asked anew. */
async function loginAgain(domain: string): Promise<boolean> {
  const known = await findCredentials(domain);
  if (known === undefined) return false;
  print('Authenticating with existing credentials...\n');
  try {
    await loginAs(domain, known);
    return true;
  } catch (error) {
    if (!(error instanceof ClocheError) || error.class !== 'permission-denied') throw error;
    printWarnings([error.message]);
    return false;
  }
}

async function credentialsOf(flags: Flags): Promise<Credentials> {
  const username = flags.username ?? (await prompt('Username: '));
  if (username === '') throw refused('username is empty');
  const password = flags.passwordStdin
    ? (await Bun.stdin.text()).replace(/\r?\n$/, '')
    : (flags.password ?? (await prompt('Password: ', { secret: true })));
  if (password === '') throw refused('password is empty');
  return { username, password };
}

async function loginAs(domain: string, who: Credentials): Promise<void> {
  const kept = await interruptible('the login', (signal) => login(domain, who, { signal }));
  if ('file' in kept)
    printWarnings([
      `Your password is stored unencrypted in '${kept.file}'. Configure a credential helper to remove this warning: https://docs.docker.com/go/credential-store/`,
    ]);
  print('Login Succeeded\n');
}

function refused(message: string): ClocheError {
  return new ClocheError('FLAGS_INVALID', message, {
    class: 'invalid-argument',
    hint: 'cloche login --username NAME --password-stdin REGISTRY < FILE',
  });
}
