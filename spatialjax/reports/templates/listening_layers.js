"use strict";

/** The bytes of a text in base64. */
function bytesOf(text) {
  const letters = atob(text);
  const bytes = new Uint8Array(letters.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = letters.charCodeAt(i);
  return bytes;
}

/** Colours of shares 0 … 1, as 256 rows of red, green, blue and opacity. */
function glow() {
  const stops = [[40, 11, 84], [101, 21, 110], [188, 55, 84], [249, 142, 9], [252, 255, 164]];
  const table = new Uint8ClampedArray(256 * 4);
  for (let i = 0; i < 256; i++) {
    const at = (i / 255) * (stops.length - 1);
    const below = Math.min(Math.floor(at), stops.length - 2);
    for (let c = 0; c < 3; c++) {
      table[4 * i + c] = stops[below][c] + (at - below) * (stops[below + 1][c] - stops[below][c]);
    }
    table[4 * i + 3] = 255 * Math.min(1, 1.5 * (i / 255) ** 0.9);
  }
  return table;
}

/** For each of `size * scale` points: the two places it lies between, and how far. */
function between(size, scale) {
  return Array.from({ length: size * scale }, (_, i) => {
    const at = Math.min(Math.max((i + 0.5) / scale - 0.5, 0), size - 1);
    const low = Math.min(Math.floor(at), Math.max(size - 2, 0));
    return { low, high: Math.min(low + 1, size - 1), share: at - low };
  });
}

/** Draws what sounds at each place over the film, finer than the places are. */
class Layers {
  constructor(canvas, scene) {
    [this.rows, this.columns] = scene.grid;
    const scale = Math.max(4, Math.ceil(160 / Math.max(this.rows, this.columns, 1)));
    canvas.width = Math.max(this.columns * scale, 1);
    canvas.height = Math.max(this.rows * scale, 1);
    // All its pixels are computed here, so they stay in main memory.
    this.context = canvas.getContext("2d", { willReadFrequently: true });
    this.image = this.context.createImageData(canvas.width, canvas.height);
    this.across = between(this.columns, scale);
    this.down = between(this.rows, scale);
    this.maps = bytesOf(scene.maps);
    this.colours = bytesOf(scene.colours);
    this.numMaps = scene.num_maps;
    this.map_s = scene.map_s;
    [this.floor, this.top] = scene.range;
    this.glow = glow();
    this.shares = new Float32Array(this.rows * this.columns);
  }

  /** Draws "energy" or "colours" of a time, or clears for any other kind. */
  draw(kind, time_s) {
    const pixels = this.image.data;
    pixels.fill(0);
    if (this.numMaps && (kind === "energy" || kind === "colours")) {
      this.mix(time_s);
      const paint = kind === "energy" ? this.paintEnergy : this.paintColour;
      const width = this.across.length;
      this.down.forEach((down, y) => {
        this.across.forEach((across, x) => paint.call(this, pixels, 4 * (y * width + x), down, across));
      });
    }
    this.context.putImageData(this.image, 0, 0);
  }

  /** Sets the shares of a time: 0 at the floor and 1 at the top, between two maps. */
  mix(time_s) {
    const at = Math.min(Math.max(time_s / this.map_s - 0.5, 0), this.numMaps - 1);
    const low = Math.floor(at);
    const size = this.shares.length;
    const first = low * size;
    const second = Math.min(low + 1, this.numMaps - 1) * size;
    const range = this.top - this.floor || 1;
    for (let i = 0; i < size; i++) {
      const level = this.maps[first + i] + (at - low) * (this.maps[second + i] - this.maps[first + i]);
      this.shares[i] = Math.min(Math.max((level - this.floor) / range, 0), 1);
    }
  }

  /** A value between four places; `values` holds `stride` numbers for each place. */
  blend(values, stride, offset, down, across) {
    const upper = down.low * this.columns;
    const lower = down.high * this.columns;
    const value = (place) => values[place * stride + offset];
    const above = value(upper + across.low) * (1 - across.share) + value(upper + across.high) * across.share;
    const below = value(lower + across.low) * (1 - across.share) + value(lower + across.high) * across.share;
    return above * (1 - down.share) + below * down.share;
  }

  paintEnergy(pixels, at, down, across) {
    const row = 4 * Math.round(255 * this.blend(this.shares, 1, 0, down, across));
    for (let c = 0; c < 4; c++) pixels[at + c] = this.glow[row + c];
  }

  paintColour(pixels, at, down, across) {
    for (let c = 0; c < 3; c++) pixels[at + c] = this.blend(this.colours, 3, c, down, across);
    pixels[at + 3] = 255 * (0.12 + 0.88 * this.blend(this.shares, 1, 0, down, across));
  }
}
