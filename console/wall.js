// The wall: a tile for each camera, its player while the tile is visible, and the boxes of detections.

import { Player } from "./player.js";

const BOX_MS = 1_000;
const COLOURS = { plate: "#f2b544", person: "#ff8bd1" };
const OTHER_COLOUR = "#3fb6a8";
const STATES = {
  online: "", offline: "Câmera sem sinal. Tentando reconectar…", disabled: "Câmera desativada",
  unknown: "Aguardando a câmera…", degraded: "",
};

export class Wall {
  #root;
  #session;
  #tiles = new Map();

  constructor(root, session) {
    this.#root = root;
    this.#session = session;
  }

  /** Shows these cameras in this order; players of cameras that stay are not interrupted. */
  show(cameras) {
    const wanted = new Set(cameras.map((camera) => camera.id));
    for (const [id, tile] of this.#tiles) {
      if (!wanted.has(id)) {
        tile.close();
        this.#tiles.delete(id);
      }
    }
    for (const camera of cameras) {
      if (!this.#tiles.has(camera.id)) {
        const tile = new Tile(camera, this.#session);
        this.#tiles.set(camera.id, tile);
        this.#root.append(tile.element);
      }
      this.#tiles.get(camera.id).become(camera.state);
    }
  }

  become(cameraId, state) {
    this.#tiles.get(cameraId)?.become(state);
  }

  detected(frame) {
    this.#tiles.get(frame.camera_id)?.detected(frame.objects);
  }

  close() {
    this.show([]);
  }
}

class Tile {
  #player;
  #video;
  #canvas;
  #boxes = [];
  #drawing = false;
  #seen;

  constructor(camera, session) {
    this.element = document.getElementById("tile").content.firstElementChild.cloneNode(true);
    this.element.dataset.camera = camera.id;
    this.#video = this.element.querySelector("video");
    this.#canvas = this.element.querySelector("canvas");
    this.element.querySelector(".name").textContent = camera.name;
    this.#player = new Player(this.#video, session, camera.id);
    this.#player.addEventListener("changed", () => this.#show());
    // A player exists only while it is visible, which saves the streams of hidden tiles.
    this.#seen = new IntersectionObserver(([entry]) => (entry.isIntersecting ? this.#player.start() : this.#player.stop()));
    this.#seen.observe(this.element);
  }

  close() {
    this.#seen.disconnect();
    this.#player.stop();
    this.element.remove();
  }

  become(state) {
    this.element.dataset.state = state;
    this.#show();
  }

  detected(objects) {
    this.#boxes = objects.map((object) => ({ ...object, until: performance.now() + BOX_MS }));
    if (!this.#drawing) {
      this.#drawing = true;
      requestAnimationFrame(() => this.#draw());
    }
  }

  #show() {
    const { protocol, reason, firstFrameMs } = this.#player;
    const badge = this.element.querySelector(".protocol");
    badge.textContent = protocol ?? "";
    badge.hidden = !protocol;
    badge.title = protocol ? `${reason} (primeira imagem em ${firstFrameMs} ms)` : "";
    this.element.dataset.protocol = protocol ?? "";
    this.element.dataset.firstFrameMs = firstFrameMs ?? "";
    const state = STATES[this.element.dataset.state] ?? "";
    this.element.querySelector(".notice").textContent = protocol ? "" : state || reason || "Conectando…";
  }

  #draw() {
    const now = performance.now();
    this.#boxes = this.#boxes.filter((box) => box.until > now);
    const { clientWidth: width, clientHeight: height } = this.element;
    const ratio = devicePixelRatio;
    if (this.#canvas.width !== width * ratio || this.#canvas.height !== height * ratio) {
      this.#canvas.width = width * ratio;
      this.#canvas.height = height * ratio;
    }
    const pen = this.#canvas.getContext("2d");
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.clearRect(0, 0, width, height);
    const picture = contain(this.#video, width, height);
    if (picture) for (const box of this.#boxes) paint(pen, box, picture);
    this.#drawing = this.#boxes.length > 0;
    if (this.#drawing) requestAnimationFrame(() => this.#draw());
  }
}

/** Returns the rectangle of the picture inside its element (`object-fit: contain`). */
function contain(video, width, height) {
  if (!video.videoWidth) return null;
  const scale = Math.min(width / video.videoWidth, height / video.videoHeight);
  const size = [video.videoWidth * scale, video.videoHeight * scale];
  return { x: (width - size[0]) / 2, y: (height - size[1]) / 2, width: size[0], height: size[1] };
}

function paint(pen, object, picture) {
  const plateBox = object.plate_box;
  frame(pen, object.box, picture, COLOURS[object.object_class] ?? OTHER_COLOUR, object.plate ?? "");
  if (plateBox) frame(pen, plateBox, picture, COLOURS.plate, "");
}

function frame(pen, [x1, y1, x2, y2], picture, colour, text) {
  const x = picture.x + x1 * picture.width;
  const y = picture.y + y1 * picture.height;
  pen.lineWidth = 2;
  pen.strokeStyle = colour;
  pen.strokeRect(x, y, (x2 - x1) * picture.width, (y2 - y1) * picture.height);
  if (!text) return;
  pen.font = "600 14px system-ui, sans-serif";
  const wide = pen.measureText(text).width + 10;
  pen.fillStyle = colour;
  pen.fillRect(x, Math.max(0, y - 21), wide, 20);
  pen.fillStyle = "#0b121b";
  pen.fillText(text, x + 5, Math.max(15, y - 6));
}
