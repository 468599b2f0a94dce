// The page: shows the pictures that come, sends keys and mouse. All that decides anything is on the server.
"use strict";
const $ = (id) => document.getElementById(id);
const canvas = $("picture"), paper = canvas.getContext("2d"), text = $("text");
const DOUBLE_TAP = 300, STICK = 40, TOUCH_SPEED = 2.2;
let socket, codes = {}, world = "", seen = 0, over = false, bot = false, held = new Set(), turn = [0, 0], lastForward = 0, fade = 0;
const history = []; let recalled = 0;

function send(message) {
  if (socket && socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify(message));
}

function say(words) {
  $("line").textContent = words;
  $("line").className = "";
  clearTimeout(fade);
  fade = setTimeout(() => $("line").classList.add("gone"), 4000 + words.length * 30);
}

function end(reason) {
  over = true;
  clearTimeout(fade);
  $("line").textContent = reason;
  $("line").className = "over";
  if (document.pointerLockElement) document.exitPointerLock();
}

function press(action, down) {
  if (!action || down === held.has(action)) return;
  if (down) held.add(action); else held.delete(action);
  send(down ? { press: action } : { lift: action });
}

function letGo() { for (const action of [...held]) press(action, false); }

async function show(blob) {
  const bitmap = await createImageBitmap(blob);
  if (canvas.width !== bitmap.width || canvas.height !== bitmap.height) {
    [canvas.width, canvas.height] = [bitmap.width, bitmap.height];
    canvas.style.aspectRatio = `${bitmap.width} / ${bitmap.height}`;
  }
  paper.drawImage(bitmap, 0, 0);
  bitmap.close();
  canvas.dataset.pictures = ++seen;
  send({ seen });
}

function status(told) {
  bot = told.bot;
  $("watch").classList.toggle("on", bot);
  const lines = [`${world} · seed ${told.seed}`, `${told.fps.toFixed(1)} pictures a second · ${(100 * told.late).toFixed(1)} % late`];
  if (told.left_out) lines.push(`${told.left_out} left out: the line is slow`);
  if (told.prompt) lines.push(`“${told.prompt.slice(0, 60)}”`);
  if (told.back !== null) lines.push(`« ${told.back.toFixed(1)} s back`);
  if (bot) lines.push("the bot plays · any key takes over");
  $("figures").textContent = lines.join("\n");
}

function connect() {
  const place = new URL("play" + location.search, location.href);
  place.protocol = place.protocol.replace("http", "ws");
  socket = new WebSocket(place);
  socket.binaryType = "blob";
  let shown = Promise.resolve();
  socket.onmessage = ({ data }) => {
    if (typeof data !== "string") { shown = shown.then(() => show(data)); return; }
    const told = JSON.parse(data);
    if (told.codes) { codes = told.codes; world = told.world; say("waking the world …"); }
    if (told.say) say(told.say);
    if (told.status) status(told.status);
    if (told.over) end(told.over);
  };
  socket.onclose = () => { if (!over) end("the connection is gone: reload the page to play on"); };
}

document.addEventListener("keydown", (event) => {
  if (document.activeElement === text) {
    if (event.code === "Escape") { text.blur(); canvas.focus(); }
    if (event.code === "ArrowUp" || event.code === "ArrowDown") {
      recalled = Math.min(Math.max(recalled + (event.code === "ArrowUp" ? -1 : 1), 0), history.length);
      text.value = history[recalled] || "";
      event.preventDefault();
    }
    return;
  }
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const commands = { KeyT: () => text.focus(), KeyR: () => send({ restart: true }), KeyP: () => send({ watch: !bot }) };
  if (event.code === "Backspace" && !event.repeat) send({ rewind: true });
  else if (commands[event.code] && !event.repeat) { letGo(); commands[event.code](); }
  else if (codes[event.code] && !event.repeat) {
    press(codes[event.code], true);
    if (codes[event.code] === "forward") {
      if (event.timeStamp - lastForward < DOUBLE_TAP) press("sprint", true);
      lastForward = event.timeStamp;
    }
  }
  if (commands[event.code] || codes[event.code] || event.code === "Backspace") event.preventDefault();
});
document.addEventListener("keyup", (event) => {
  if (event.code === "Backspace") send({ rewind: false });
  press(codes[event.code], false);
  if (codes[event.code] === "forward") press("sprint", false);
});

canvas.addEventListener("mousedown", (event) => {
  canvas.focus();
  if (document.pointerLockElement !== canvas) { canvas.requestPointerLock(); return; }
  press(codes[`mouse ${event.button}`], true);
});
document.addEventListener("mouseup", (event) => press(codes[`mouse ${event.button}`], false));
document.addEventListener("mousemove", (event) => {
  if (document.pointerLockElement === canvas) { turn[0] += event.movementX; turn[1] += event.movementY; }
});
canvas.addEventListener("contextmenu", (event) => event.preventDefault());
document.addEventListener("pointerlockchange", () => { if (!document.pointerLockElement) letGo(); });
window.addEventListener("blur", letGo);
document.addEventListener("visibilitychange", () => send({ pause: document.hidden }));
setInterval(() => { if (turn[0] || turn[1]) { send({ turn }); turn = [0, 0]; } }, 16);

$("prompt").addEventListener("submit", (event) => {
  event.preventDefault();
  send({ prompt: text.value.trim() });
  if (text.value.trim()) history.push(text.value.trim());
  recalled = history.length;
  text.value = "";
  text.blur();
  canvas.focus();
});
$("restart").onclick = () => { send({ restart: true }); canvas.focus(); };
$("watch").onclick = () => { send({ watch: !bot }); canvas.focus(); };
$("full").onclick = () => { document.documentElement.requestFullscreen(); canvas.focus(); };

// Touch: the stick walks, a finger on the picture turns, three buttons do the rest.
let walking = null, looking = null;
function walk(dx, dy) {
  press("forward", dy < -STICK / 3); press("back", dy > STICK / 3); press("left", dx < -STICK / 3); press("right", dx > STICK / 3);
  press("sprint", dy < -STICK);
}
$("stick").addEventListener("pointerdown", (event) => { walking = event; $("stick").setPointerCapture(event.pointerId); });
$("stick").addEventListener("pointermove", (event) => {
  if (walking) walk(event.clientX - walking.clientX, event.clientY - walking.clientY);
});
for (const kind of ["pointerup", "pointercancel"]) $("stick").addEventListener(kind, () => { walking = null; walk(0, 0); });
canvas.addEventListener("pointerdown", (event) => { if (event.pointerType === "touch") looking = event; });
canvas.addEventListener("pointermove", (event) => {
  if (!looking || event.pointerId !== looking.pointerId) return;
  turn[0] += (event.clientX - looking.clientX) * TOUCH_SPEED;
  turn[1] += (event.clientY - looking.clientY) * TOUCH_SPEED;
  looking = event;
});
for (const kind of ["pointerup", "pointercancel"]) canvas.addEventListener(kind, () => { looking = null; });
for (const button of document.querySelectorAll("[data-hold]")) {
  button.addEventListener("pointerdown", () => press(button.dataset.hold, true));
  for (const kind of ["pointerup", "pointercancel"]) button.addEventListener(kind, () => press(button.dataset.hold, false));
}

connect();
canvas.focus();
