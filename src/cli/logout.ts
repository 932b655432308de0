import { Command } from 'commander';
import { eraseCredentials, registryName } from '../image/registry/index.ts';
import { print } from './print.ts';

/** `cloche logout`: forgets who we are at a registry. */
export function logoutCommand(): Command {
  return new Command('logout')
    .description('Log out from a registry')
    .argument('[server]', 'Docker Hub, if it is not given')
    .action(async (server: string | undefined) => {
      const domain = registryName(server);
      const said = (await eraseCredentials(domain))
        ? `Removing login credentials for ${domain}`
        : `Not logged in to ${domain}`;
      print(`${said}\n`);
    });
}
