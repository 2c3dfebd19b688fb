// The inner layers that an explanation can look at: feature maps through which everything on the way to the logits passes.
import { inputError } from '../core/errors.ts';
import { nearest } from '../core/suggest.ts';
import type { Graph, Node, Value } from '../graph/graph.ts';
import type { Forward } from '../train/network.ts';

/** Feature maps [N, channels, height, width] of one image, of which the logits are a function. */
export interface MapLayer {
  /** Name of the last layer with parameters before it, such as `layer4.0.bn2`, `features.10`, `inception5b.branch4.1.bn`. */
  readonly name: string;
  /** Op that made the maps, such as `Relu`. */
  readonly op: string;
  readonly value: Value;
  readonly channels: number;
  readonly height: number;
  readonly width: number;
}

const POOLING = new Set(['MaxPool', 'AveragePool', 'GlobalAveragePool']);
/** Side from which on it makes sense to say where on a map something lies. */
const FINE_SIDE = 8;

/** Whether a map is fine enough to say where on the image something lies: at least 8 × 8. */
export function isFine({ height, width }: MapLayer): boolean {
  return Math.min(height, width) >= FINE_SIDE;
}

/**
 * The map layers of a network between its normalised image and its last layer `head` (as in `Architecture`), in order.
 * A map counts when every path from the image to the logits leads through it.
 */
export function mapLayers({ logits, image, packs }: Forward, head: string): MapLayer[] {
  const nodes = between(image, logits);
  const headed = derivedFrom(parametersOf(head, logits.graph, packs), logits.graph);
  const lastUse = new Map<Value, number>();
  nodes.forEach(({ inputs }, i) => {
    for (const input of inputs) if (input) lastUse.set(input, i);
  });
  const layers: MapLayer[] = [];
  const open = new Set<Value>([image]);
  let name = 'image';
  for (const [i, node] of nodes.entries()) {
    const scope = layerOf(node);
    if (scope !== undefined) name = scope;
    if (node.outputs.some((output) => headed.has(output))) break;
    for (const output of node.outputs) if (lastUse.has(output)) open.add(output);
    for (const value of open) if ((lastUse.get(value) ?? 0) <= i) open.delete(value);
    const [value] = open;
    if (open.size !== 1 || value.producer !== node || value.dtype !== 'float32' || value.rank !== 4) continue;
    const [, channels, height, width] = value.shape;
    if (typeof channels === 'number' && typeof height === 'number' && typeof width === 'number')
      layers.push({ name, op: node.op, value, channels, height, width });
  }
  return layers;
}

/**
 * Which layer to look at. `last`: the last maps before pooling, as Selvaraju et al. and the SoK take them (AlexNet's last ReLU,
 * GoogLeNet's last Inception block, ResNet's `layer4`). `fine` (default): the last ones of at least 8 × 8, on coarser ones a place
 * means little. Anything else names a layer or the beginning of its name: the last maps of that part.
 * @throws TriggerlabError (input) for a name that fits none.
 */
export function chooseLayer(layers: readonly MapLayer[], wish = 'fine'): MapLayer {
  const unpooled = layers.filter(({ op, height, width }) => !POOLING.has(op) && height * width > 1);
  const last = (some: readonly MapLayer[]) => some[some.length - 1] as MapLayer | undefined;
  const found =
    wish === 'last'
      ? last(unpooled)
      : wish === 'fine'
        ? (last(unpooled.filter(isFine)) ?? last(unpooled))
        : last(
            unpooled.filter(
              ({ name }) => name === wish || [`${wish}.`, `${wish}/`].some((start) => name.startsWith(start)),
            ),
          );
  if (found) return found;
  if (unpooled.length === 0) {
    throw inputError('this network has no feature maps through which all of its answer passes', {
      hint: 'Explanations need a convolutional network.',
    });
  }
  const names = [...new Set(unpooled.map(({ name }) => name))];
  const near = nearest(wish, names);
  throw inputError(`there is no layer "${wish}" to look at`, {
    hint: near === undefined ? `Layers: last, fine, ${names.join(', ')}.` : `Did you mean "${near}"?`,
  });
}

/** The values of a layer's parameters: constants of their names, or members of packs. */
function parametersOf(layer: string, graph: Graph, packs: Forward['packs']): Value[] {
  const own = (name: string) => name.startsWith(`${layer}.`);
  return [
    ...graph.constants.filter(({ name }) => own(name)),
    ...packs.flatMap(({ pack, members }) => members.filter((_, i) => own(pack.members[i].name))),
  ];
}

function derivedFrom(values: readonly Value[], graph: Graph): Set<Value> {
  const derived = new Set(values);
  for (const { inputs, outputs } of graph.nodes)
    if (inputs.some((input) => input && derived.has(input))) for (const output of outputs) derived.add(output);
  return derived;
}

/** Nodes on a path from `from` to `to`, in order. */
function between(from: Value, to: Value): Node[] {
  const behind = new Set<Value>([from]);
  const nodes = to.graph.nodes.filter((node) => {
    if (!node.inputs.some((input) => input && behind.has(input))) return false;
    for (const output of node.outputs) behind.add(output);
    return true;
  });
  const needed = new Set<Value>([to]);
  const path = nodes.reverse().filter((node) => {
    if (!node.outputs.some((output) => needed.has(output))) return false;
    for (const input of node.inputs) if (input && behind.has(input)) needed.add(input);
    return true;
  });
  return path.reverse();
}

const LAYERS = new Set(['Conv', 'ConvTranspose', 'BatchNormalization', 'Gemm', 'MatMul']);

/** The layer that a node belongs to: nodes of layers are named `<layer>/<op>`, those of imported files by their exporters. */
function layerOf({ name, op }: Node): string | undefined {
  if (!LAYERS.has(op)) return undefined;
  const slash = name.lastIndexOf('/');
  return slash > 0 ? name.slice(0, slash) : name;
}
