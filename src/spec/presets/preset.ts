// What a preset is: values of ordinary fields, and rules for those that depend on the dataset, the model or the attack.

/** Values by field path. No preset has a say in seeds. */
type PresetFields = Readonly<Record<string, unknown>> & { readonly seed?: never };

/** As a spec's `when`, with one value for each field it sets. Names of datasets and models stand for all their versions and parts. */
export interface PresetRule {
  /** Of a list any value may match. */
  readonly if: PresetFields;
  readonly set: PresetFields;
  /** Where these values come from. */
  readonly source: string;
}

/** What a spec writes itself always wins over its preset. */
export interface Preset {
  readonly name: string;
  readonly title: string;
  /** Where these values come from. */
  readonly source: string;
  /** Values of ordinary fields by path. */
  readonly fields: Readonly<Record<string, unknown>>;
  /** Trigger parameters by trigger name. */
  readonly attack: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  /** Applied from top to bottom, before the spec's own rules. */
  readonly when: readonly PresetRule[];
  /** Another preset for some attacks, by the attack's type (`none` for clean runs alone). */
  readonly byAttack?: Readonly<Record<string, string>>;
}
