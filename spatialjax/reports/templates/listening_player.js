"use strict";

const MOST_PLAYERS = 4;
const END_S = 0.03;
const FADE_MS = 40;

/** Plays one of several sounds in step with a film that is silent itself.
 *
 * The sound leads and the film follows it, so that the ear never meets a jump; where
 * the sound has ended, or cannot be played, the film goes on alone.
 */
class Player {
  constructor(film, home, sounds, duration_s) {
    this.film = film;
    this.home = home;
    this.sounds = sounds;
    this.sound_s = duration_s;
    this.elements = new Map();
    this.placed = new WeakSet();
    this.heard = null;
    this.index = null;
    this.isPlaying = false;
    this.position_s = 0;
    this.corrected_ms = 0;
    this.onchange = () => {};
    this.onfailure = () => {};
    film.addEventListener("error", () => this.onfailure(null));
    for (const event of ["loadedmetadata", "seeked"]) {
      film.addEventListener(event, () => this.onchange());
    }
  }

  get duration_s() {
    return Math.max(this.film.duration || 0, this.sound_s);
  }

  /** Whether the sound has anything to play at the position. */
  get isSounding() {
    const heard = this.heard;
    return heard !== null && !heard.error && !(heard.duration <= this.position_s + END_S);
  }

  /** Whether the film has anything to show at the position. */
  get isShowing() {
    return !this.film.error && !(this.film.duration <= this.position_s + END_S);
  }

  /** Makes a sound the one to hear, at the same position. */
  choose(index) {
    if (index === this.index) return;
    this.tick();
    this.index = index;
    const next = this.element(index);
    if (next === this.heard) {
      this.takeOver(next);
    } else if (!this.isPlaying || next.error) {
      this.takeOver(next);
      this.place(next);
    } else {
      next.fade = null; // of an earlier change, which would pause it at its end
      next.volume = 0;
      this.place(next);
      if (next.duration <= this.position_s + END_S) this.takeOver(next);
      else this.start(next).then((isStarted) => isStarted && this.join(next));
    }
    this.onchange();
  }

  play() {
    if (this.position_s >= this.duration_s - 2 * END_S) this.seek(0);
    this.isPlaying = true;
    this.run();
    this.onchange();
  }

  pause() {
    this.tick();
    this.stop();
  }

  /** Stops at the position as it stands, with the sound that is chosen. */
  stop() {
    this.isPlaying = false;
    for (const media of [this.film, ...this.elements.values()]) media.pause();
    const wanted = this.elements.get(this.index);
    if (wanted) this.takeOver(wanted);
    if (wanted) this.place(wanted);
    this.film.playbackRate = 1;
    this.place(this.film);
    this.onchange();
  }

  seek(time_s) {
    this.position_s = Math.min(Math.max(time_s, 0), this.duration_s);
    if (this.heard) this.place(this.heard);
    this.place(this.film);
    if (this.isPlaying) this.run();
    this.onchange();
  }

  /** Takes the position from what leads, and brings the film to it. */
  tick() {
    if (!this.isPlaying) return;
    if (this.isSounding) {
      if (this.heard.paused) this.start(this.heard);
      if (this.placed.has(this.heard)) this.position_s = this.heard.currentTime;
      if (this.isShowing) this.follow();
    } else if (this.isShowing) {
      this.film.playbackRate = 1;
      if (!this.film.seeking) this.position_s = Math.max(this.position_s, this.film.currentTime);
    } else {
      this.position_s = this.duration_s;
      this.stop();
    }
  }

  /** The film runs a little faster or slower, or jumps where it is far off. */
  follow() {
    const film = this.film;
    if (film.ended) {
      // To play what has ended is to begin again.
      if (film.currentTime - this.position_s < 0.25) return;
      this.place(film);
    }
    if (film.paused) this.start(film);
    if (film.seeking || film.readyState < 2) return;
    const late_s = this.position_s - film.currentTime;
    film.playbackRate = Math.abs(late_s) < 0.015 ? 1 : 1 + Math.min(Math.max(2 * late_s, -0.3), 0.3);
    const now_ms = performance.now();
    if (Math.abs(late_s) > 0.12 && now_ms - this.corrected_ms > 400) {
      this.corrected_ms = now_ms;
      this.place(film);
    }
  }

  /** Starts what has something to play. */
  run() {
    if (this.isSounding) this.start(this.heard);
    if (this.isShowing) this.start(this.film);
  }

  /** Starts an element; whether it plays. */
  async start(media) {
    try {
      await media.play();
      return true;
    } catch (error) {
      if (error.name === "NotAllowedError") this.pause();
      return false;
    }
  }

  /** Brings an element to the position, at once or when it knows its length. */
  place(media) {
    if (media.readyState === 0) return;
    this.placed.add(media);
    const time_s = Math.min(this.position_s, media.duration || 0);
    if (Math.abs(media.currentTime - time_s) > 0.001) media.currentTime = time_s;
  }

  /** Lets a sound that has begun to play be heard, once it has caught up. */
  join(next) {
    if (next !== this.elements.get(this.index) || !this.isPlaying) {
      if (next !== this.heard || !this.isPlaying) next.pause();
      return;
    }
    this.tick();
    const isLate = this.isSounding && Math.abs(this.position_s - next.currentTime) > 0.06;
    if (isLate) {
      next.addEventListener("seeked", () => this.takeOverIfWanted(next), { once: true });
      this.place(next);
    } else {
      this.takeOver(next);
    }
  }

  takeOverIfWanted(next) {
    if (next === this.elements.get(this.index)) this.takeOver(next);
    else next.pause();
  }

  takeOver(next) {
    const last = this.heard;
    this.heard = next;
    if (last && last !== next) {
      if (this.isPlaying) fade(last, 0, () => last !== this.heard && last.pause());
      else last.pause();
    }
    if (this.isPlaying) {
      fade(next, 1, () => {});
    } else {
      next.fade = null;
      next.volume = 1;
    }
  }

  /** The element of a sound; few are kept, the last used. */
  element(index) {
    const element = this.elements.get(index) ?? this.newElement(index);
    this.elements.delete(index);
    this.elements.set(index, element);
    for (const [old, unused] of this.elements) {
      if (this.elements.size <= MOST_PLAYERS) break;
      if (unused === this.heard || this.sounds[old].kind === "mixture") continue;
      this.elements.delete(old);
      unused.pause();
      unused.removeAttribute("src");
      unused.load();
      unused.remove();
    }
    return element;
  }

  newElement(index) {
    const element = document.createElement("audio");
    element.preload = "auto";
    element.src = this.sounds[index].file;
    element.addEventListener("loadedmetadata", () => this.place(element));
    element.addEventListener("error", () => {
      if (element !== this.elements.get(index)) return;
      if (index === this.index) this.takeOver(element);
      this.onfailure(index);
    });
    this.home.append(element);
    return element;
  }
}

/** Changes the volume of an element within a moment, so that no click is heard. */
function fade(media, volume, then) {
  const from = media.volume;
  const begin_ms = performance.now();
  media.fade = begin_ms;
  const step = (now_ms) => {
    if (media.fade !== begin_ms) return;
    const share = Math.min(Math.max((now_ms - begin_ms) / FADE_MS, 0), 1);
    media.volume = from + share * (volume - from);
    if (share < 1) requestAnimationFrame(step);
    else then();
  };
  requestAnimationFrame(step);
}
