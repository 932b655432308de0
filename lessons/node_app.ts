import type { Difference, Group } from '../src/image/layers/index.ts';
import { done, notYet, type Verdict, type WorkshopLook } from '../src/playground/lesson.ts';
import {
  type Answer,
  ask,
  type BuildView,
  type ImageView,
} from '../src/playground/observe/index.ts';

/** What lessons 5 and 6 ask of the application: is it built, does it answer, as whom, and what ran. */

const URL = 'https://localhost:3000/';

/** The image, if it is there; else what is missing. */
export function built(
  { workshop }: WorkshopLook,
  name: string,
  script: string,
  evidence: (image: ImageView, build: BuildView) => Verdict,
): Verdict {
  const image = workshop.image(name);
  if (image === undefined) return notYet(`there is no image "${name}": ${script}`);
  const [build] = workshop.builds(name);
  if (build === undefined) return notYet(`the builder has no record of "${name}": ${script}`);
  return evidence(image, build);
}

/** `sha256:0123…, 1.2 GB, user node`: an image on one line. */
export function described(name: string, image: ImageView): string {
  const user = image.user === '' ? 'root' : image.user;
  return `the image ${name} is ${image.id.slice(7, 19)}, ${megabytes(image.size)}, and its user is ${user}`;
}

export function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0)} MB`;
}

/** What the application said of itself (node_complex/index.js). */
interface Said {
  readonly greeting: string;
  readonly protocol: string;
  readonly pid: number;
  readonly uid: number;
  readonly node: string;
}

/** A container of that image runs under the same name, and answers both ways. */
export async function answers(
  { workshop }: WorkshopLook,
  name: string,
  script: string,
): Promise<Verdict> {
  const image = workshop.image(name);
  const container = await workshop.container(name);
  if (container === undefined) return notYet(`no container "${name}" is running: ${script}`);
  if (container.image !== image?.id)
    return notYet(
      `the container "${name}" was made of an older image: Ctrl-C, and ${script} again`,
    );
  const [secure, plain] = await Promise.all([ask(URL), ask(URL.replace('https', 'http'))]);
  if (secure === undefined || plain === undefined) return notYet(`nobody answers on ${URL} yet`);
  const said = saidBy(secure);
  if (secure.status !== 200 || said === undefined)
    return notYet(`${URL} answers with ${secure.status}, but not as this application does`);
  const { certificate } = secure;
  // A certificate's times have no fractions of a second.
  if (certificate === undefined || certificate.since.getTime() < container.started.getTime() - 2000)
    return notYet('its certificate is older than the container');
  const keys = filesIn(image.contents()).filter(({ path }) => isKey(path));
  if (keys.length > 0)
    return notYet(
      `a private key lies in the image: ${keys.map(({ path }) => `/${path}`).join(', ')}`,
    );
  return done(
    `${URL} answers 200 with "${said.greeting}", and so does http:// on the same port`,
    `Node ${said.node} has pid ${said.pid} in there, and is user ${said.uid}`,
    `its certificate ${certificate.fingerprint.slice(0, 23)}… is valid since ${certificate.since.toISOString()}, when the container started; no layer holds a key`,
  );
}

/** The files of all these groups. */
export function filesIn(groups: readonly Group[]): readonly Difference[] {
  return groups.flatMap(({ files }) => files);
}

/** `package perl-base 12 MB, npm express 1.2 MB`: the first so many. */
export function largest(groups: readonly Group[], count: number): string {
  return groups
    .slice(0, count)
    .map(({ name, size }) => `${name} ${megabytes(size)}`)
    .join(', ');
}

function saidBy({ body }: Answer): Said | undefined {
  try {
    return JSON.parse(body) as Said;
  } catch {
    return undefined;
  }
}

/** Debian's own certificates of authorities end in .pem too: what counts is beside the application. */
function isKey(path: string): boolean {
  return /^(app|home\/node)\/.*\.(pem|key|crt)$/.test(path);
}

/** The step of a build whose instruction matches. */
export function stepLike(build: BuildView, pattern: RegExp) {
  return build.steps.find(({ name }) => pattern.test(name));
}
