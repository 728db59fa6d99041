"use strict";

(() => {
  const find = (id) => document.getElementById(id);
  const scene = JSON.parse(find("scene").textContent);
  const stage = find("stage");
  const time = find("time");
  const mixture = scene.sounds.findIndex((sound) => sound.kind === "mixture");
  const [rows, columns] = scene.grid;
  const layers = new Layers(find("layer"), scene);
  const player = new Player(find("film"), find("players"), scene.sounds, scene.duration_s);
  const entries = new Map(
    [...document.querySelectorAll(".sound")].map((entry) => [Number(entry.dataset.sound), entry]),
  );
  const outlines = [...document.querySelectorAll(".outline")];
  const cursor = { row: Math.floor(rows / 2), column: Math.floor(columns / 2), isShown: false };
  const failed = new Set();
  let chosen = null; // the source or extra that B returns to
  let layer = "energy";
  let note = "";
  let isWaiting = false;

  function choose(index, { remark = "", play = true } = {}) {
    note = remark;
    if (index !== mixture) chosen = index;
    player.choose(index);
    bringIntoView(entries.get(index));
    if (play && !player.isPlaying) player.play();
    show();
  }

  /** Scrolls a long list, but not the page, to its entry. */
  function bringIntoView(entry) {
    const list = entry.parentElement;
    const above = entry.getBoundingClientRect().top - list.getBoundingClientRect().top;
    if (above < 0 || above + entry.offsetHeight > list.clientHeight) list.scrollTop += above - list.clientHeight / 3;
  }

  function choosePlace(row, column) {
    if (!(rows && columns)) return;
    const owner = scene.owners[row * columns + column];
    if (owner >= 0) choose(owner);
    else choose(mixture, { remark: "No source at this place. " });
  }

  function compare() {
    if (player.index !== mixture) choose(mixture, { play: false });
    else if ((chosen ?? scene.loudest) !== null) choose(chosen ?? scene.loudest, { play: false });
  }

  const toggle = () => (player.isPlaying ? player.pause() : player.play());

  /** What is heard, in words, marks and curves. */
  function show() {
    const sound = scene.sounds[player.index];
    const entry = entries.get(player.index);
    const hue = [...entry.classList].find((name) => name.startsWith("hue-")) ?? "";
    const text = failed.has(player.index)
      ? `This browser cannot play ${sound.name}; its file may open elsewhere.`
      : `${note}\u2068${sound.name}\u2069, ${entry.querySelector(".level").textContent}`;
    if (find("status").textContent !== text) find("status").textContent = text;
    find("status").className = hue;
    find("timeline").className = `timeline ${hue}`;
    find("heard-curve").setAttribute("d", entry.querySelector(".curve path").getAttribute("d"));
    for (const [index, { classList, firstElementChild: pick }] of entries) {
      pick.setAttribute("aria-pressed", String(index === player.index));
      classList.toggle("is-running", index === player.index && player.isPlaying);
    }
    outlines.forEach((outline, n) => outline.classList.toggle("is-chosen", n === player.index));
    find("play").classList.toggle("is-running", player.isPlaying);
    find("play").setAttribute("aria-label", player.isPlaying ? "Pause" : "Play");
    find("compare-mixture").classList.toggle("is-on", player.index === mixture);
    find("compare-source").classList.toggle("is-on", player.index !== mixture);
    find("compare-source").textContent = scene.sounds[chosen]?.kind === "extra" ? scene.sounds[chosen].name : "Source";
    draw();
  }

  /** Draws once soon, and then again for as long as the film runs. */
  function draw() {
    if (isWaiting) return;
    isWaiting = true;
    requestAnimationFrame(() => {
      isWaiting = false;
      player.tick();
      layers.draw(layer, player.position_s);
      const length_s = player.duration_s;
      const covered = length_s ? scene.duration_s / length_s : 1;
      time.max = length_s;
      time.value = player.position_s;
      time.setAttribute("aria-valuetext", clockText(player.position_s));
      find("clock").textContent = `${clockText(player.position_s)} / ${clockText(length_s)}`;
      find("timeline").style.setProperty("--covered", covered);
      const at = scene.duration_s ? Math.min(player.position_s / scene.duration_s, 1) : 0;
      find("sounds").style.setProperty("--at", at.toFixed(4));
      if (player.isPlaying) draw();
    });
  }

  function chooseLayer(name) {
    layer = name;
    stage.classList.toggle("is-outlined", layer === "outlines");
    find("opacity").disabled = layer === "outlines" || layer === "none";
    draw();
  }

  function clockText(time_s) {
    const tenths = Math.floor(10 * time_s + 0.001);
    const seconds = ((tenths % 600) / 10).toFixed(1).padStart(4, "0");
    const minutes = Math.floor(tenths / 600);
    if (minutes < 60) return `${minutes}:${seconds}`;
    return `${Math.floor(minutes / 60)}:${String(minutes % 60).padStart(2, "0")}:${seconds}`;
  }

  /** Marks the place under the pointer or the keys, and names its source. */
  function point(row, column) {
    const owner = rows && columns ? scene.owners[row * columns + column] : -1;
    outlines.forEach((outline, n) => outline.classList.toggle("is-under", n === owner));
    find("hint").textContent = owner >= 0 ? scene.sounds[owner].name : "No source here";
    return owner;
  }

  function placeOf(event) {
    const box = stage.getBoundingClientRect();
    const index = (at, size) => Math.min(Math.max(Math.floor(at * size), 0), Math.max(size - 1, 0));
    return [index((event.clientY - box.top) / box.height, rows), index((event.clientX - box.left) / box.width, columns)];
  }

  function moveCursor(down, right) {
    if (!(rows && columns)) return;
    if (cursor.isShown) {
      cursor.row = Math.min(Math.max(cursor.row + down, 0), rows - 1);
      cursor.column = Math.min(Math.max(cursor.column + right, 0), columns - 1);
    }
    showCursor(true);
    const owner = point(cursor.row, cursor.column);
    const name = owner >= 0 ? scene.sounds[owner].name : "no source";
    find("status").textContent = `Row ${cursor.row + 1}, column ${cursor.column + 1}: ${name}`;
  }

  function showCursor(isShown) {
    cursor.isShown = isShown;
    find("cursor").setAttribute("x", cursor.column);
    find("cursor").setAttribute("y", cursor.row);
    find("cursor").setAttribute("visibility", isShown ? "visible" : "hidden");
  }

  stage.addEventListener("click", (event) => {
    [cursor.row, cursor.column] = placeOf(event);
    showCursor(false);
    point(cursor.row, cursor.column);
    choosePlace(cursor.row, cursor.column);
  });
  stage.addEventListener("pointermove", (event) => {
    if (event.pointerType !== "touch") point(...placeOf(event));
  });
  for (const event of ["pointerleave", "blur"]) {
    stage.addEventListener(event, () => {
      showCursor(false);
      find("hint").textContent = "";
      outlines.forEach((outline) => outline.classList.remove("is-under"));
    });
  }
  stage.addEventListener("keydown", (event) => {
    const moves = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key in moves) moveCursor(...moves[event.key]);
    else if (event.key === "Enter") choosePlace(cursor.row, cursor.column);
    else return;
    event.preventDefault();
  });
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
    if (event.key.toLowerCase() === "b") compare();
    else if (event.key === " " && !event.target.closest("button, a, summary")) {
      event.preventDefault();
      toggle();
    }
  });
  for (const [index, entry] of entries) {
    entry.querySelector(".pick").addEventListener("click", () => {
      if (index === player.index) toggle();
      else choose(index);
    });
  }
  find("play").addEventListener("click", toggle);
  find("compare").addEventListener("click", compare);
  time.addEventListener("input", () => player.seek(Number(time.value)));
  find("opacity").addEventListener("input", (event) => {
    find("layer").style.opacity = event.target.value;
  });
  find("layers").addEventListener("change", (event) => {
    chooseLayer(event.target.value);
  });
  player.onchange = show;
  player.onfailure = (index) => {
    if (index === null) find("hint").textContent = "This browser cannot show the film";
    else failed.add(index);
    show();
  };
  find("layer").style.opacity = find("opacity").value;
  chooseLayer(document.querySelector("[name=layer]:checked").value);
  player.choose(mixture);
})();
