import { a, b, done, notYet, type WorkshopLesson } from '../../src/playground/lesson.ts';
import { answers, built, described, stepLike } from '../node_app.ts';

const [NODE, COMPLEX, OPTIMIZED] = [
  'lesson_5_node',
  'lesson_5_node_complex',
  'lesson_5_node_optimized',
];
const NPM_CI = /RUN npm ci/;
/** The COPY that brings the source; on the optimized way there is another one for two files. */
const COPY_SOURCE = /COPY .* \.\/node_complex \.\/$/;

export const lesson: WorkshopLesson = {
  id: '5_dockerfile',
  title: 'Written down: the Dockerfile',
  summary: 'three ways to build and run the same index.js, and what the cache remembers',
  makes: {
    images: [NODE, COMPLEX, OPTIMIZED],
    files: ['node_complex/greeting.txt'],
    forgets: /^\/home\/node\/app .*npm ci/,
  },
  intro: `
You have made containers by hand. Nobody wants to do that twice, so it is written down: a *Dockerfile* is
the list of commands, an *image* is the files that they leave behind, layer by layer, and a container is
made of it in a few milliseconds.

The application is the same in all three ways: \`node_complex/index.js\`, a small web server with some
packages from npm. What differs is how it gets into the image, and what that costs.

This terminal watches. You type in two others, the *first* and the *second terminal*, both in
\`lessons/5_dockerfile\`. All of it is on the host: there is no playground to enter.`,
  steps: [
    {
      id: 'node_build',
      title: 'Way 1: an image that has Node in it',
      prose: `
In the first terminal read \`node.dockerfile\`, it has eight instructions. Then:

  ./build_node.sh`,
      solution: [
        a('cat node.dockerfile', { see: /FROM node/ }),
        a('./build_node.sh', { within: 600 }),
      ],
      check: (look) =>
        built(look, NODE, './build_node.sh', (image, build) => {
          const made = image.labels['dev.cloche.base'];
          return done(
            described(NODE, image),
            `the build took ${build.steps.length} steps, and ${image.history.length} lines are in the image's history`,
            ...(made === undefined ? [] : [made]),
          );
        }),
      hint: '`cd lessons/5_dockerfile`, then `./build_node.sh`. It is one command: read the script.',
      explanation: `
Each RUN started a container on the layers below it, just as you did by hand in the lessons before, and
what it wrote became the next layer. COPY needs no container. CMD, USER and EXPOSE change no file at all:
they are lines in the image's config, JSON that says how to start a container of it.`,
    },
    {
      id: 'node_run',
      title: 'Run it',
      prose: `
In the first terminal \`./run_node.sh\`. It stays. In the second:

  curl --insecure https://localhost:3000

or open that page in a browser and believe in its certificate, which nobody has signed.`,
      solution: [
        a('./run_node.sh', { stays: true, see: /listening on/, within: 60 }),
        b('curl --silent --insecure https://localhost:3000', { see: /"protocol":"https"/ }),
      ],
      check: (look) => answers(look, NODE, './run_node.sh'),
      hint: 'Nobody else may have the port 3000 of the host: `cloche ps` shows which container has it, `ss -ltnp` which program. `-p 3000:3000` in `run_node.sh` publishes it.',
      explanation: `
The container has a network namespace of its own (lesson 3), with a port 3000 of its own that nobody outside
can reach. \`-p 3000:3000\` publishes it: whatever comes to port 3000 of this host is readdressed by the kernel,
before anybody else sees it, to the container at the other end of a virtual cable. No process passes it on.
EXPOSE in the Dockerfile opens nothing at all: it is a note for people, and for \`-P\`.

The certificate was made when the container started. A key in the image would be everybody's who has the
image, and a layer forgets nothing: also what a later line deletes is still in there.`,
    },
    {
      id: 'complex_build',
      title: 'Way 2: a plain Debian, and Node from scratch',
      prose: `
End it with Ctrl-C. Read \`node_complex.dockerfile\`: it does by hand what somebody has done for you in way
1. Then \`./build_node_complex.sh\`. The first time this takes a minute.`,
      solution: [a('', { control: 'c' }), a('./build_node_complex.sh', { within: 600 })],
      check: (look) =>
        built(look, COMPLEX, './build_node_complex.sh', (image) => {
          const programs = ['/usr/bin/apt-get', '/usr/local/bin/node', '/usr/bin/npm'];
          const missing = programs.filter((path) => !image.has(path));
          if (missing.length > 0) return notYet(`the image has no ${missing.join(', no ')}`);
          return done(
            described(COMPLEX, image),
            `it has ${programs.join(', ')}, put there by the lines of the Dockerfile`,
          );
        }),
      hint: '`./build_node_complex.sh`. It fetches packages, so it wants the network.',
      explanation: `
An official image is no magic, it is a Dockerfile too. Note the \`&&\` and the \`rm\` at the end of the same
RUN: what a later RUN deletes is hidden, not gone; the bytes stay in the earlier layer.

And note the user. Without USER the program would be root, in a container or not: the same root as
outside, with fewer rights (lesson 3).`,
    },
    {
      id: 'complex_run',
      title: 'The same answer',
      prose:
        'In the first terminal `./run_node_complex.sh`, in the second `curl --insecure https://localhost:3000` once more.',
      solution: [
        a('./run_node_complex.sh', { stays: true, see: /listening on/, within: 60 }),
        b('curl --silent --insecure https://localhost:3000', { see: /"protocol":"https"/ }),
      ],
      check: (look) => answers(look, COMPLEX, './run_node_complex.sh'),
      hint: "Only one container can have the host's port 3000: end the other one first.",
      explanation: `
Another image around it, the same application: that is the promise of images. Ctrl-C works because
\`index.js\` handles SIGINT itself. The kernel protects a pid 1 from signals that it does not handle, and
in its namespace Node is pid 1.`,
    },
    {
      id: 'naive_change',
      title: 'One word changes, and everything is built again',
      prose: `
End it with Ctrl-C, change the source, and build again:

  date > node_complex/greeting.txt
  ./build_node_complex.sh`,
      solution: [
        a('', { control: 'c' }),
        a('date > node_complex/greeting.txt'),
        a('./build_node_complex.sh', { within: 600 }),
      ],
      check: ({ workshop }) => {
        const [last, ...earlier] = workshop.builds(COMPLEX);
        if (last === undefined || earlier.length === 0)
          return notYet('it was built only once: change the source and build again');
        const [copy, npm] = [stepLike(last, COPY_SOURCE), stepLike(last, NPM_CI)];
        const [first] = last.steps.filter(({ name }) => /RUN apt-get/.test(name));
        if (copy === undefined || npm === undefined) return notYet('that was another Dockerfile');
        if (copy.cached) return notYet('the source did not change: its COPY was cached');
        return done(
          `cached: "${short(first?.name)}" ${first?.cached === true ? 'yes' : 'no'}`,
          `not cached: "${short(copy.name)}", since its content changed`,
          `so "${short(npm.name)}" ran again and took ${npm.seconds.toFixed(1)} s, although no dependency has changed`,
        );
      },
      hint: 'A file with other *content*: `touch` alone changes nothing, try it.',
      explanation: `
The cache knows a step by what it does and by what it stands on. COPY counts the content of the files,
their modes and owners, not their times. Once a step is new, all that stands on it is new as well.`,
    },
    {
      id: 'optimized_first',
      title: 'Way 3: the same lines in another order',
      prose: `
Compare: \`diff node_complex.dockerfile node_optimized_build.dockerfile\`. Only the two files that \`npm ci\`
reads are copied before it; the source comes after. Build it (either spelling works):

  ./build_oprimized_build.sh`,
      solution: [a('./build_oprimized_build.sh', { within: 600 })],
      check: ({ workshop }) => {
        const ran = workshop
          .builds(OPTIMIZED)
          .map((build) => stepLike(build, NPM_CI))
          .findLast((step) => step?.cached === false);
        if (workshop.image(OPTIMIZED) === undefined)
          return notYet(`there is no image "${OPTIMIZED}": ./build_oprimized_build.sh`);
        if (ran === undefined)
          return notYet(
            'npm ci was cached from an earlier day: build with --no-cache to see it run',
          );
        return done(
          `the build's record says: "${short(ran.name)}" ran, and took ${ran.seconds.toFixed(1)} s`,
        );
      },
      hint: '`./build_oprimized_build.sh`; `./build_optimized_build.sh` is the same.',
      explanation: 'The first time it has to run, of course. Now change the source once more.',
    },
    {
      id: 'optimized_second',
      title: 'One word changes, and one step is built again',
      prose: `
In the first terminal:

  date > node_complex/greeting.txt
  ./build_oprimized_build.sh`,
      solution: [
        a('date > node_complex/greeting.txt'),
        a('./build_oprimized_build.sh', { within: 600 }),
      ],
      check: ({ workshop }) => {
        const builds = workshop.builds(OPTIMIZED);
        const [last] = builds;
        const [copy, npm] = [last && stepLike(last, COPY_SOURCE), last && stepLike(last, NPM_CI)];
        if (last === undefined || copy === undefined || npm === undefined || builds.length < 2)
          return notYet('it was built only once: change the source and build again');
        if (copy.cached) return notYet('the source did not change: its COPY was cached');
        if (!npm.cached) return notYet('npm ci ran again: something changed that it reads');
        const whole = last.steps.reduce((sum, { seconds }) => sum + seconds, 0);
        return done(
          `the build's record says: "${short(npm.name)}" CACHED`,
          `"${short(copy.name)}" ran; all steps together took ${whole.toFixed(1)} s`,
        );
      },
      hint: 'Change the source, not `package.json`.',
      explanation: `
That is the whole art: what changes seldom goes up, what changes often goes down. The heavy step is done
once, on every machine that has the cache.`,
    },
    {
      id: 'optimized_run',
      title: 'And it is the new source',
      prose:
        'In the first terminal `./run_optimized_build.sh`, and ask it from the second, with `curl` as before. Its greeting is the time of your last change.',
      solution: [
        a('./run_optimized_build.sh', { stays: true, see: /listening on/, within: 60 }),
        b('curl --silent --insecure https://localhost:3000', { see: /"protocol":"https"/ }),
      ],
      check: (look) => answers(look, OPTIMIZED, './run_optimized_build.sh'),
      hint: '`./run_optimized_build.sh`, in the first terminal; end what still runs with Ctrl-C.',
      explanation: `
\`cloche history ${OPTIMIZED}\` shows the layers and their sizes; \`cloche layers ${OPTIMIZED}\` what each line
put there. Half a gigabyte, for a page of JavaScript: what all of that is, and how to be rid of it, is
lesson 6.`,
    },
  ],
};

/** A step's name without `[stage 2/7]`, and not longer than a line. */
function short(name = ''): string {
  const text = name.replace(/^\[[^\]]*\] /, '');
  return text.length > 50 ? `${text.slice(0, 49)}…` : text;
}
