import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { digestOf, hexOf } from './digest.ts';
import { findImage, type Image, tagImage } from './images.ts';
import { parseReference } from './reference.ts';
import { noteDigest } from './registry/whence.ts';
import { removeImage } from './remove.ts';
import type { Store } from './store.ts';
import { imageOfFiles, temporaryStore } from './testing.ts';

/** An image that was pulled by its tag, so that its registry's digest for it is known. */
let store: Store;
let remove: () => void;
let image: Image;

const INDEX = digestOf('an index of several platforms');

beforeEach(async () => {
  ({ store, remove } = temporaryStore());
  image = await imageOfFiles(store, 'app:1', { a: '1' });
  noteDigest(store, parseReference('app'), INDEX, image.manifest);
});
afterEach(() => remove());

const untagged = (name: string) => removeImage(store, name).untagged;
const tags = () => findImage(store, image.id)?.tags;

describe('a digest that is removed', () => {
  test('takes no tag with it, and no image', () => {
    expect(removeImage(store, `app@${INDEX}`)).toMatchObject({
      untagged: [`app@${INDEX}`],
      deleted: [],
    });
    expect(tags()).toEqual(['app:1']);
    expect(findImage(store, `app@${INDEX}`)).toBeUndefined();
  });

  test('takes the image with it where it is all that names it', () => {
    store.db.run('DELETE FROM tags');
    expect(removeImage(store, `app:9@${INDEX}`).deleted).toContain(image.id);
    expect(tags()).toBeUndefined();
  });

  test('which only a tag implies stays, and says whose it is', () => {
    expect(untagged(`app@${INDEX}`)).toHaveLength(1);
    expect(() => untagged(`app@${image.manifest}`)).toThrow('the image is app:1');
    expect(tags()).toEqual(['app:1']);
  });
});

test('with the last tag of its repository a digest goes, and not before', () => {
  tagImage(store, 'app:1', 'app:2');
  expect(untagged('app:2')).toEqual(['app:2']);
  expect(untagged('app:1')).toEqual(['app:1', `app@${INDEX}`]);
  expect(tags()).toBeUndefined();
});

test("another repository's digest keeps the image when its last tag goes", () => {
  tagImage(store, 'app:1', 'other');
  untagged('app:1');
  noteDigest(store, parseReference('app'), INDEX, image.manifest);
  expect(removeImage(store, 'other')).toMatchObject({ untagged: ['other:latest'], deleted: [] });
  expect(tags()).toEqual([]);
});

test('by id an image goes without force if one repository has all its names', () => {
  const id = hexOf(image.id).slice(0, 12);
  noteDigest(store, parseReference('other'), INDEX, image.manifest);
  expect(() => untagged(id)).toThrow('referenced in multiple repositories');
  untagged(`other@${INDEX}`);
  expect(untagged(id)).toEqual(['app:1', `app@${INDEX}`]);
});
