import { expect, test } from 'bun:test';
import { existsSync } from 'node:fs';
import { detectCgroups } from './detect.ts';
import { readKnob } from './files.ts';
import { runIn, testCgroup } from './testing.ts';

// What is proved on every machine with a v2 tree, also a hybrid one's, whose controllers are on v1.
const hierarchies = detectCgroups();
const { unified } = hierarchies;
if (unified === undefined)
  console.log(`no v2 tree on a ${hierarchies.mode} machine to prove v2 on`);
else {
  test('a device program refuses on v2, also where v1 has the devices controller', async () => {
    const devices = [{ allow: false }, { allow: true, type: 'c', major: 1, minor: 3 }] as const;
    const onV2 = { ...hierarchies, of: { ...hierarchies.of, devices: unified } };
    await using made = await testCgroup(onV2, { devices });
    const { ended } = runIn(made, 'echo x > /dev/null && echo null is fine; head -c 1 /dev/zero');
    const { output } = await ended;
    expect(output).toContain('null is fine');
    expect(output).toContain("'/dev/zero' for reading: Operation not permitted");
  });

  // Where controllers are on v1, v2 has none to give; the virtual machine proves this (npm run test:vm).
  if (hierarchies.mode !== 'v2')
    console.log(`a ${hierarchies.mode} machine enables no controllers in its v2 tree`);
  else
    test('inside a cgroup with processes, prepareParent moves them out before it enables', async () => {
      await using made = await testCgroup(hierarchies, {});
      const { unified } = made.hierarchies;
      const at = unified && made.cgroup.directories.get(unified);
      if (at === undefined) throw new Error('this machine has no v2 hierarchy to prove it on');
      // As in a container: what we see as the tree's root is the cgroup that we are in.
      const inside = {
        ...made.hierarchies,
        all: [unified],
        unified: { ...unified, mountPoint: at },
      };
      const script = `(await import('${import.meta.dir}/prepare.ts'))
    .prepareParent(${JSON.stringify({ ...inside, all: [inside.unified] })}, '/nested')`;
      const run = runIn(
        made,
        `'${process.execPath}' -e "${script.replaceAll('"', '\\"')}" && echo fine`,
      );
      expect((await run.ended).output).toBe('fine\n');
      const offered = readKnob(`${at}/cgroup.controllers`);
      expect(offered).not.toBe('');
      expect(readKnob(`${at}/nested/cgroup.subtree_control`)).toBe(offered);
      expect(existsSync(`${at}/init`)).toBe(true);
    });
}
