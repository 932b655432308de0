import { a, b, done, notYet, type WorkshopLesson } from '../../src/playground/lesson.ts';
import { answers, built, described, filesIn, largest, megabytes } from '../node_app.ts';

const FAT = 'lesson_6_node_fat';
const ALPINE = 'lesson_6_node_alpine';
const STAGES = 'lesson_6_node_multi_stage';
const DISTROLESS = 'lesson_6_node_distroless';

export const lesson: WorkshopLesson = {
  id: '6_tiny_containers',
  title: 'Leave it out: tiny containers',
  summary: 'a small base, two stages, no shell: what an image does not carry cannot break',
  makes: { images: [FAT, ALPINE, STAGES, DISTROLESS], files: [] },
  intro: `
An image is sent over networks, kept on disks and searched for holes, as a whole. In the lesson before it had
hundreds of megabytes, and the application in it, with all of its packages, has seven. The rest is a
distribution, which you have once needed for building and never again.

The application is lesson 5's; each of these Dockerfiles takes it from there.

This terminal watches. You type in two others, the *first* and the *second terminal*, both in
\`lessons/6_tiny_containers\`.`,
  steps: [
    {
      id: 'fat',
      title: 'The fat one',
      prose: `
First something to compare with: an image in which everything is there. In the first terminal:

  ./build_node_fat.sh`,
      solution: [a('./build_node_fat.sh', { within: 600 })],
      check: (look) =>
        built(look, FAT, './build_node_fat.sh', (image) => {
          const contents = image.contents();
          const all = filesIn(contents);
          const own = all.filter(({ path }) => path.startsWith('build/'));
          const bytes = own.reduce((sum, { size }) => sum + size, 0);
          return done(
            described(FAT, image),
            `the application and its packages are ${own.length} of its ${all.length} files, and ${megabytes(bytes)} of its bytes`,
            `the most of it: ${largest(contents, 4)}`,
          );
        }),
      hint: '`./build_node_fat.sh`. `--target build` in it stops after the first stage.',
      explanation: `
A compiler, a package manager, Perl, Python, manuals, time zones. Each is there because something once
needed it, and whoever breaks into the program finds all of it ready for use.`,
    },
    {
      id: 'alpine_build',
      title: 'A small base',
      prose: `
Alpine Linux has become the usual small base: busybox in place of a hundred tools, and nothing else.
Read \`node_alpine.dockerfile\`: but for the FROM it is what you know.

  ./build_node_alpine.sh`,
      solution: [a('./build_node_alpine.sh', { within: 600 })],
      check: (look) =>
        built(look, ALPINE, './build_node_alpine.sh', (image) => {
          const fat = look.workshop.image(FAT);
          if (fat === undefined) return notYet(`there is no image "${FAT}": ./build_node_fat.sh`);
          if (image.has('/usr/bin/apt-get') || image.has('/bin/bash'))
            return notYet('it has apt-get or bash in it: that is no small base');
          return done(
            described(ALPINE, image),
            `that is ${(fat.size / image.size).toFixed(1)} times smaller than the fat one`,
            'it has a shell (/bin/sh is busybox), but no bash and no apt-get',
          );
        }),
      hint: '`./build_node_alpine.sh`, in the first terminal.',
      explanation: `
What you give up: the tools that you know, and with the real Alpine the C library too. It has *musl*
where Debian has glibc, so a program that was compiled on the one does not start on the other: ENOENT,
and it is the loader that is missing, as in lesson 1.`,
    },
    {
      id: 'alpine_run',
      title: 'It answers all the same',
      prose:
        'In the first terminal `./run_node_alpine.sh`, in the second `curl --insecure https://localhost:3000`.',
      solution: [
        a('./run_node_alpine.sh', { stays: true, see: /listening on/, within: 60 }),
        b('curl --silent --insecure https://localhost:3000', { see: /"protocol":"https"/ }),
      ],
      check: (look) => answers(look, ALPINE, './run_node_alpine.sh'),
      hint: 'Only one container can have the port 3000 of the host: end the other one first.',
      explanation: 'But npm is still in it, and whatever else building has needed.',
    },
    {
      id: 'stages_build',
      title: 'Two stages',
      prose: `
End it with Ctrl-C. \`node_multi_stage.dockerfile\` has two FROMs. The first stage is the fat one, and the
second copies from it what is to run. Build it, and look at what it no longer carries:

  ./build_node_multi_stage.sh
  cloche layers lesson_6_node_fat lesson_6_node_multi_stage | less`,
      solution: [
        a('', { control: 'c' }),
        a('./build_node_multi_stage.sh', { within: 600 }),
        a('../../bin/cloche layers lesson_6_node_fat lesson_6_node_multi_stage'),
      ],
      check: (look) =>
        built(look, STAGES, './build_node_multi_stage.sh', (image, build) => {
          const fat = look.workshop.image(FAT);
          if (fat === undefined) return notYet(`there is no image "${FAT}": ./build_node_fat.sh`);
          const stages = build.steps.filter(({ name }) => /\] FROM /.test(name));
          if (stages.length < 2) return notYet('it was built in one stage');
          const gone = look.workshop.lost(FAT, STAGES);
          const bytes = gone.reduce((sum, { size }) => sum + size, 0);
          if (image.size >= fat.size) return notYet('the image is not smaller than the fat one');
          return done(
            described(STAGES, image),
            `that is ${(fat.size / image.size).toFixed(1)} times smaller than the fat one`,
            `it no longer carries ${filesIn(gone).length} files, ${megabytes(bytes)}: ${largest(gone, 5)}`,
          );
        }),
      hint: 'The Dockerfile is there already: `./build_node_multi_stage.sh`.',
      explanation: `
\`COPY --from=build\` copies out of another stage. The image is only what the last FROM and the lines after
it make; of the first stage nothing is left but in the build cache. A stage that the last one does not
need would not even be built. Compilers, tokens for private packages, tests: all of that belongs there.`,
    },
    {
      id: 'stages_run',
      title: 'And it answers',
      prose: 'In the first terminal `./run_node_multi_stage.sh`, and ask it from the second.',
      solution: [
        a('./run_node_multi_stage.sh', { stays: true, see: /listening on/, within: 60 }),
        b('curl --silent --insecure https://localhost:3000', { see: /"protocol":"https"/ }),
      ],
      check: (look) => answers(look, STAGES, './run_node_multi_stage.sh'),
      hint: '`./run_node_multi_stage.sh`, in the first terminal.',
      explanation:
        'That is how most images are made today. One more, for those who want to know how far it goes:',
    },
    {
      id: 'distroless',
      title: 'No shell at all',
      prose: `
End it with Ctrl-C, then build and run it on a base with nothing in it but Node and the libraries that it
needs:

  ./build_node_distroless.sh
  ./run_node_distroless.sh

and in the second terminal try to get a shell in it:

  cloche exec -it lesson_6_node_distroless sh`,
      solution: [
        a('', { control: 'c' }),
        a('./build_node_distroless.sh', { within: 600 }),
        a('./run_node_distroless.sh', { stays: true, see: /listening on/, within: 60 }),
        b('../../bin/cloche exec -it lesson_6_node_distroless sh', { see: /sh/ }),
      ],
      check: async (look) => {
        const image = look.workshop.image(DISTROLESS);
        if (image === undefined)
          return notYet(`there is no image "${DISTROLESS}": ./build_node_distroless.sh`);
        const shells = ['/bin/sh', '/bin/bash', '/bin/busybox'].filter((path) => image.has(path));
        if (shells.length > 0) return notYet(`it has ${shells.join(', ')}`);
        const verdict = await answers(look, DISTROLESS, './run_node_distroless.sh');
        if (!verdict.ok) return verdict;
        return done(
          described(DISTROLESS, image),
          `of its ${filesIn(image.contents()).length} files none is a shell`,
          ...verdict.evidence,
        );
      },
      hint: 'Both scripts, one after the other, in the first terminal.',
      explanation: `
Whoever breaks in here finds no shell, no \`curl\`, no \`ls\`. (To look around yourself you need no shell in
the image: \`/proc/PID/root\` on the host is its root, lesson 2.)

One step more would be a static program (lesson 1): it needs no loader and no library, and its image can
begin with \`FROM scratch\`, which is nothing at all. Go and Rust make such programs; Node is none.

You have gone from \`chroot\` to here, and nothing of it was magic: files, a root, namespaces, groups, and a
list of commands.`,
    },
  ],
};
