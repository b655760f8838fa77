// Plays the episodes in #animations: one canvas a policy, the same seed side by side.
"use strict";
const data = document.getElementById("animations");
const suites = JSON.parse(data.textContent);
const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue("--" + name).trim();
const mark = { success: "✓ reached the goal", collision: "✗ collision", timeout: "✗ out of time" };
const make = (tag, text, parent) => {
  const element = document.createElement(tag);
  element.textContent = text;
  parent.append(element);
  return element;
};

function story(run, dt) {
  if (run.outcome === "collision") {
    const time = ((run.track[0].length - 1) * dt).toFixed(1);
    return run.touched >= 0 ? `Touched person ${run.touched} after ${time} s.` : `Touched a wall after ${time} s.`;
  }
  if (!run.crossings.length) return run.outcome === "success" ? "Met nobody on its way." : "";
  return run.crossings.slice(0, 2).map((c) => {
    const by = Math.abs(c.gap).toFixed(1) + " s";
    return c.gap > 0 ? `Yielded to person ${c.person} (passed ${by} after).` : `Went before person ${c.person} (by ${by}).`;
  }).join(" ");
}

function bounds(episode) {
  const points = episode.runs.flatMap((run) => run.track[0].filter(Boolean)).concat([episode.goal]);
  const xs = points.map((p) => p[0]), ys = points.map((p) => p[1]);
  const middle = [(Math.min(...xs) + Math.max(...xs)) / 2, (Math.min(...ys) + Math.max(...ys)) / 2];
  const reach = [Math.max(...xs) - Math.min(...xs) + 3, Math.max(...ys) - Math.min(...ys) + 3];
  reach[1] = Math.max(reach[1], 6, reach[0] / 2.2); // wide scenes stay flat, but never slits
  return { middle, reach, shape: Math.max(reach[0] / reach[1], 1) };
}

function draw(canvas, episode, run, time) {
  const ratio = window.devicePixelRatio || 1, box = canvas.getBoundingClientRect();
  canvas.width = box.width * ratio; canvas.height = box.height * ratio;
  const pen = canvas.getContext("2d"), view = bounds(episode);
  const scale = Math.min(canvas.width / view.reach[0], canvas.height / view.reach[1]);
  const at = (p) => [canvas.width / 2 + (p[0] - view.middle[0]) * scale, canvas.height / 2 - (p[1] - view.middle[1]) * scale];
  const last = run.track[0].length - 1, frame = Math.min(time / episode.dt, last), before = Math.floor(frame);
  const ink = colour("ink");
  pen.lineCap = pen.lineJoin = "round";
  pen.strokeStyle = ink; pen.lineWidth = 3 * ratio;
  for (const w of episode.walls) { pen.beginPath(); pen.moveTo(...at(w)); pen.lineTo(...at(w.slice(2))); pen.stroke(); }
  const [gx, gy] = at(episode.goal);
  pen.strokeStyle = colour("goal"); pen.lineWidth = 2.5 * ratio;
  pen.beginPath(); pen.arc(gx, gy, 0.3 * scale, 0, 7); pen.stroke();
  for (let agent = run.track.length - 1; agent >= 0; agent--) {
    const track = run.track[agent], a = track[before], b = track[Math.min(before + 1, last)] || a;
    if (!a) continue;
    const share = frame - before, now = [a[0] + (b[0] - a[0]) * share, a[1] + (b[1] - a[1]) * share];
    pen.strokeStyle = pen.fillStyle = colour(agent ? "person" : "ego");
    pen.globalAlpha = agent ? 0.45 : 0.8; pen.lineWidth = (agent ? 2 : 3.5) * ratio;
    pen.beginPath();
    let down = false;
    for (let k = agent ? Math.max(0, before - Math.round(3 / episode.dt)) : 0; k <= before; k++) {
      if (!track[k]) { down = false; continue; }
      pen[down ? "lineTo" : "moveTo"](...at(track[k])); down = true;
    }
    pen.lineTo(...at(now)); pen.stroke(); pen.globalAlpha = 1;
    const [x, y] = at(now), radius = run.radius[agent] * scale;
    pen.lineWidth = 2 * ratio;
    const tip = at([now[0] + (b[0] - a[0]) / episode.dt * 0.8, now[1] + (b[1] - a[1]) / episode.dt * 0.8]);
    pen.beginPath(); pen.moveTo(x, y); pen.lineTo(...tip); pen.stroke();
    pen.beginPath(); pen.arc(x, y, radius, 0, 7); pen.fill();
    if (agent) {
      pen.fillStyle = colour("card"); pen.font = `${Math.max(radius, 9 * ratio)}px sans-serif`;
      pen.textAlign = "center"; pen.textBaseline = "middle"; pen.fillText(run.id[agent], x, y);
    }
  }
  if (run.outcome === "collision" && before >= last) {
    const [x, y] = at(run.track[0][last]);
    pen.strokeStyle = colour("bad"); pen.lineWidth = 3 * ratio;
    pen.beginPath(); pen.arc(x, y, 0.75 * scale, 0, 7); pen.stroke();
  }
}

function player(root, episodes) {
  if (!episodes || !episodes.length) return;
  make("h3", "Episodes to look at, failures first", root);
  const tabs = make("div", "", root), stage = make("div", "", root), controls = make("div", "", root);
  tabs.className = "tabs"; stage.className = "stage"; controls.className = "controls";
  const play = make("button", "▶ play", controls), slider = make("input", "", controls), clock = make("span", "", controls);
  slider.type = "range"; slider.min = 0; slider.step = 0.02; slider.setAttribute("aria-label", "time");
  make("div", "Orange: the ego, its whole way behind it. Grey: people, the last 3 s. Lines ahead: velocity. Ring: goal.", root).className = "key";
  let episode, canvases = [], playing = false, past = 0;
  const show = () => {
    clock.textContent = Number(slider.value).toFixed(1) + " s";
    episode.runs.forEach((run, i) => draw(canvases[i], episode, run, Number(slider.value)));
  };
  const open = (index) => {
    episode = episodes[index];
    [...tabs.children].forEach((tab, i) => tab.setAttribute("aria-pressed", i === index));
    stage.textContent = "";
    canvases = episode.runs.map((run) => {
      const card = make("div", "", stage); card.className = "run";
      const title = make("h4", run.policy, card); make("span", mark[run.outcome], title).className = run.outcome;
      make("p", story(run, episode.dt), card);
      const canvas = make("canvas", "", card);
      canvas.style.aspectRatio = bounds(episode).shape;
      return canvas;
    });
    const end = Math.max(...episode.runs.map((run) => run.track[0].length - 1)) * episode.dt;
    slider.max = end; const own = (episode.runs[0].track[0].length - 1) * episode.dt; // open on the contact, or on the way
    slider.value = episode.runs[0].outcome === "collision" ? own : 0.55 * own;
    show();
  };
  const tick = (now) => {
    if (!playing) return;
    const next = Number(slider.value) + (now - past) / 1000;
    past = now; slider.value = next; show();
    if (next >= Number(slider.max)) return toggle();
    requestAnimationFrame(tick);
  };
  const toggle = () => {
    playing = !playing; play.textContent = playing ? "❚❚ pause" : "▶ play";
    if (!playing) return;
    if (Number(slider.value) >= Number(slider.max) - 0.02) slider.value = 0;
    past = performance.now(); requestAnimationFrame(tick);
  };
  episodes.forEach((one, i) => {
    const run = one.runs[0];
    make("button", `${mark[run.outcome].slice(0, 1)} ${one.scenario} · seed ${one.seed}`, tabs).onclick = () => open(i);
  });
  play.onclick = toggle; slider.oninput = show;
  window.addEventListener("resize", show);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", show);
  open(0);
}

document.querySelectorAll(".player").forEach((root) => player(root, suites[root.dataset.suite]));
