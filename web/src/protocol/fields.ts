/** Says that something read from the wire does not have the agreed shape. */
export class WireError extends Error {
  override name = 'WireError';
}

/** Typed access to the fields of one JSON object from outside. */
export class Fields {
  private constructor(
    private readonly values: Record<string, unknown>,
    private readonly where: string,
  ) {}

  static of(value: unknown, where: string): Fields {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      throw new WireError(`${where} is not an object`);
    }
    return new Fields(value as Record<string, unknown>, where);
  }

  has(name: string): boolean {
    const value = this.values[name];
    return value !== undefined && value !== null;
  }

  text(name: string): string {
    const value = this.values[name];
    if (typeof value !== 'string') throw this.wrong(name, 'text');
    return value;
  }

  number(name: string): number {
    const value = this.values[name];
    if (typeof value !== 'number' || !Number.isFinite(value)) throw this.wrong(name, 'a number');
    return value;
  }

  flag(name: string): boolean {
    const value = this.values[name];
    if (typeof value !== 'boolean') throw this.wrong(name, 'true or false');
    return value;
  }

  oneOf<const T extends string>(name: string, allowed: readonly T[]): T {
    const value = this.text(name);
    const found = allowed.find((a) => a === value);
    if (found === undefined) throw this.wrong(name, `one of ${allowed.join(', ')}`);
    return found;
  }

  object(name: string): Fields {
    return Fields.of(this.values[name], `${this.where}.${name}`);
  }

  numbers(name: string): number[] {
    const values = this.values[name];
    if (!Array.isArray(values) || !values.every(Number.isFinite)) throw this.wrong(name, 'a list of numbers');
    return values;
  }

  objects(name: string): Fields[] {
    const values = this.values[name];
    if (!Array.isArray(values)) throw this.wrong(name, 'a list');
    return values.map((value, i) => Fields.of(value, `${this.where}.${name}[${i}]`));
  }

  optionalText<const N extends string>(name: N): { [K in N]?: string } {
    return this.has(name) ? ({ [name]: this.text(name) } as { [K in N]?: string }) : {};
  }

  optionalNumber<const N extends string>(name: N): { [K in N]?: number } {
    return this.has(name) ? ({ [name]: this.number(name) } as { [K in N]?: number }) : {};
  }

  optionalFlag<const N extends string>(name: N): { [K in N]?: boolean } {
    return this.has(name) ? ({ [name]: this.flag(name) } as { [K in N]?: boolean }) : {};
  }

  private wrong(name: string, want: string): WireError {
    return new WireError(`${this.where}.${name} is not ${want}`);
  }
}
