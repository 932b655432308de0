/** A name for a container that was given none, such as `quiet_fern`: plants under a glass bell. */
export function randomName(): string {
  const pick = (words: readonly string[]) => words[Math.floor(Math.random() * words.length)] ?? '';
  return `${pick(MANNERS)}_${pick(PLANTS)}`;
}

const MANNERS = (
  'airy ample bold brave bright brisk calm clear cosy crisp dewy eager early fair fine fresh gentle ' +
  'glad golden green hale happy hardy humble jolly keen kind late light lively lucid lush mellow mild ' +
  'misty modest neat noble patient plain proud quick quiet rare ripe rosy round shady sharp shy silver ' +
  'sleek slim small snug sober soft spry steady still stout sunny sweet tall tender tidy tiny vivid warm ' +
  'wild wise witty young'
).split(' ');

const PLANTS = (
  'acacia agave alder aloe anise aspen aster bamboo basil bean beech begonia birch borage briar cactus ' +
  'camellia cedar chervil chive clover coleus cress crocus cypress dahlia daisy dill elder fennel fern ' +
  'fig flax gentian ginger hazel heather holly hyssop iris ivy jasmine juniper kale larch laurel leek ' +
  'lichen lilac lily linden lotus lovage lupin mallow maple marjoram mint moss myrtle nettle oak olive ' +
  'orchid oregano osier palm pansy parsley pea peony pine poppy primrose quince radish reed rose rowan ' +
  'rue sage sedum sorrel spruce squash sumac tansy thistle thyme tulip verbena vine violet willow yarrow yew'
).split(' ');
