#!/usr/bin/env python3
"""Train the captioner of drawn scenes from nothing, a stage at a time.

    train.py DATA HELD OUT --side 112 --images 150000 --rate 2e-3
    train.py DATA HELD OUT --side 224 --images 25000 --rate 6e-4 --fresh-schedule

DATA and HELD are folders made by render.py; OUT gets checkpoint.pth and vocab.pkl in the
published layout (averaged weights) and training.pth (to go on from: a stage that was cut
short continues; --fresh-schedule starts a new stage from the weights).  Beside the caption
loss with label smoothing, the doubly stochastic attention term and scheduled sampling,
the boxes teach: throw-away heads on the maps of stages 3 and 4 name each cell's thing and
colour, and the attention of words that speak of a thing is pulled to its boxes.
"""
import argparse
import copy
import os
import pickle
import time

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

import world
from data import Scenes, read_scenes, thing_masks
from model import PAD, Vocabulary, build, greedy, normalised, positions

CONFIG = {"encoder_dim": 512, "embed_size": 64, "hidden_size": 256, "attention_dim": 128, "rnn_type": "gru",
          "dropout": 0.1, "alpha_c": 0.05, "label_smoothing": 0.05, "scheduled_sampling_max": 0.05,
          "batch_size": 64, "captions_per_image": 3, "weight_decay": 0.02, "grad_clip": 5.0,
          "cells_weight": 0.5, "pointing_weight": 0.4, "run_name": "scenes",
          "decode_beams": 5, "decode_max_length": 20, "decode_length_alpha": 0.7,
          "decode_repetition_penalty": 1.0}
NOTHING = len(world.OBJECTS)


class Heads(nn.Module):
    """What the boxes say, read from one map: each cell's thing and colour, the setting."""

    def __init__(self, channels, stride):
        super().__init__()
        self.stride = stride
        self.cell = nn.Conv2d(channels, NOTHING + 1 + len(world.COLOURS), 1)
        self.setting = nn.Linear(channels, len(world.SETTINGS))
        self.register_buffer("weight", torch.tensor([1.0] * NOTHING + [0.3]))

    def loss(self, fmap, batch, side):
        masks = thing_masks(batch, side, self.stride)
        thing, colour = (torch.from_numpy(np.where(
            masks[:, 1], batch["looks"][:, 1, i, None, None],
            np.where(masks[:, 0], batch["looks"][:, 0, i, None, None], none))) for i, none in ((0, NOTHING), (1, -1)))
        scores = self.cell(fmap)
        return (F.cross_entropy(scores[:, :NOTHING + 1], thing, weight=self.weight)
                + F.cross_entropy(scores[:, NOTHING + 1:], colour, ignore_index=-1)
                + 0.5 * F.cross_entropy(self.setting(fmap.mean((2, 3))), batch["setting"]))


def caption_loss(dec, feat, batch, side, sampling):
    """feat [B, P, C]; every picture's captions are rows of their own."""
    k = batch["tokens"].shape[1]
    tokens, speaks = batch["tokens"].flatten(0, 1), batch["speaks"].flatten(0, 1)
    h, keys = dec.start(feat)
    feat, keys, h = (x.repeat_interleave(k, 0) for x in (feat, keys, h))
    masks = torch.from_numpy(thing_masks(batch, side, 32)).flatten(2).float().repeat_interleave(k, 0)
    steps = int((tokens != PAD).sum(1).max()) - 1
    logits, alphas, token = [], [], tokens[:, 0]
    for t in range(steps):
        out, alpha, h = dec.step(feat, keys, token, h, CONFIG["dropout"])
        logits.append(out)
        alphas.append(alpha)
        own = (torch.rand(len(token)) < sampling) & (tokens[:, t + 1] != PAD)
        token = torch.where(own, out.detach().argmax(1), tokens[:, t + 1])
    target, alphas = tokens[:, 1:steps + 1], torch.stack(alphas, 1)
    loss = F.cross_entropy(torch.stack(logits, 1).flatten(0, 1), target.flatten(), ignore_index=PAD,
                           label_smoothing=CONFIG["label_smoothing"])
    written = (target != PAD).float()
    spread = ((1 - (alphas * written[..., None]).sum(1)) ** 2).mean()
    inside = torch.einsum("btp,bnp->btn", alphas, masks).clamp_min(1e-6).log()
    said = F.one_hot(speaks[:, :steps] + 1, 3)[..., 1:].float()
    pointing = -(inside * said).sum() / said.sum()
    return loss, CONFIG["alpha_c"] * spread + CONFIG["pointing_weight"] * pointing


@torch.no_grad()
def held_out(enc, dec, scenes, vocab, side):
    """Share of greedy captions that equal a reference."""
    enc.eval(), dec.eval()
    right = 0
    for i in range(0, len(scenes.names), 100):
        x = torch.from_numpy(np.ascontiguousarray(scenes.pixels[i:i + 100].transpose(0, 3, 1, 2)))
        for scene, ids in zip(scenes.scenes[i:i + 100], greedy(dec, positions(enc(normalised(x))[1]))):
            right += vocab.text(ids) in world.captions(scene)
    return right / len(scenes.names)


class Average:
    """Exponential moving average of weights and batch-norm statistics."""

    def __init__(self, modules, decay):
        self.modules, self.decay, self.steps = modules, decay, 0
        self.copies = [copy.deepcopy(m) for m in modules]

    @torch.no_grad()
    def update(self):
        self.steps += 1
        keep = min(self.decay, (1 + self.steps) / (10 + self.steps))
        for mean, now in zip(self.copies, self.modules):
            for a, b in zip(mean.state_dict().values(), now.state_dict().values()):
                a.lerp_(b, 1 - keep) if a.is_floating_point() else a.copy_(b)


def one_cycle(done, rate):
    """Warm up over the first 8 %, then a cosine down to nothing."""
    return rate * (done / 0.08 if done < 0.08 else 0.5 * (1 + np.cos(np.pi * (done - 0.08) / 0.92)) + 1e-3)


def save(path, value):
    torch.save(value, path + ".part")
    os.replace(path + ".part", path)


class Training:
    def __init__(self, a):
        self.a = a
        os.makedirs(a.out, exist_ok=True)
        words = [c for _, s in read_scenes(a.data) for c in world.captions(s)]
        self.vocab = Vocabulary(words)
        with open(os.path.join(a.out, "vocab.pkl"), "wb") as f:
            pickle.dump(self.vocab, f, protocol=4)
        self.train = Scenes(a.data, a.side, self.vocab, a.limit)
        self.held = Scenes(a.held, a.side, self.vocab, a.held_limit)
        enc, dec = build(CONFIG, len(self.vocab.stoi))
        c = CONFIG["encoder_dim"]
        self.parts = [enc, dec, Heads(c // 2, 16), Heads(c, 32)]
        decay = [p for m in self.parts for p in m.parameters() if p.dim() > 1]
        plain = [p for m in self.parts for p in m.parameters() if p.dim() == 1]
        self.optimiser = torch.optim.AdamW([{"params": decay, "weight_decay": CONFIG["weight_decay"]},
                                            {"params": plain, "weight_decay": 0.0}], lr=a.rate)
        self.average = Average(self.parts[:2], a.average)
        self.seen, self.history, self.total = 0, [], 0
        self._resume()

    def _resume(self):
        path = os.path.join(self.a.out, "training.pth")
        if not os.path.exists(path):
            return
        state = torch.load(path)
        for part, values in zip(self.parts + self.average.copies, state["parts"]):
            part.load_state_dict(values)
        self.history, self.total = state["history"], state["total"]
        if not self.a.fresh_schedule:
            self.optimiser.load_state_dict(state["optimiser"])
            self.seen, self.average.steps = state["seen"], state["average_steps"]

    def step(self, batch, sampling):
        for part in self.parts:
            part.train()
        enc, dec, head3, head4 = self.parts
        map3, map4 = enc(normalised(batch["pixels"]))
        caption, attention = caption_loss(dec, positions(map4), batch, self.a.side, sampling)
        cells = head3.loss(map3, batch, self.a.side) + head4.loss(map4, batch, self.a.side)
        self.optimiser.zero_grad(set_to_none=True)
        (caption + attention + CONFIG["cells_weight"] * cells).backward()
        nn.utils.clip_grad_norm_([p for m in self.parts for p in m.parameters()], CONFIG["grad_clip"])
        self.optimiser.step()
        self.average.update()
        return caption.item(), attention.item(), cells.item()

    def report(self, losses, started):
        exact = held_out(*self.average.copies, self.held, self.vocab, self.a.side)
        mean = np.mean(losses, 0)
        self.history.append({"side": self.a.side, "images": self.total, "exact_match": exact,
                             "loss": float(mean[0])})
        print(f"{time.strftime('%H:%M:%S')} side {self.a.side} seen {self.seen} caption {mean[0]:.3f} attention "
              f"{mean[1]:.3f} cells {mean[2]:.3f} held-out exact {exact:.3f} "
              f"{(time.time() - started) / max(1, len(losses)) / CONFIG['batch_size'] * 1000:.1f} ms/image", flush=True)
        enc, dec = self.average.copies
        save(os.path.join(self.a.out, "training.pth"),
             {"parts": [m.state_dict() for m in self.parts + self.average.copies], "seen": self.seen,
              "optimiser": self.optimiser.state_dict(), "average_steps": self.average.steps,
              "history": self.history, "total": self.total})
        save(os.path.join(self.a.out, "checkpoint.pth"),
             {"encoder_state": enc.state_dict(), "decoder_state": dec.state_dict(),
              "optimizer_state": {}, "epoch": len(self.history),
              "metrics": {"exact_match": exact, "history": self.history}, "config": CONFIG})

    def run(self):
        size, pool = CONFIG["batch_size"], np.arange(len(self.train.names))
        pairs = [i for i, s in enumerate(self.train.scenes) if s.kind == "pair"]
        pool = np.concatenate([pool] + [pairs] * (self.a.pair_weight - 1)).astype(int)
        n = len(pool)
        losses, started = [], time.time()
        while self.seen < self.a.until:
            done = self.seen / self.a.images
            for group in self.optimiser.param_groups:
                group["lr"] = one_cycle(done, self.a.rate)
            epoch, at = divmod(self.seen, n)
            order = np.random.default_rng([self.a.seed, self.total - self.seen, epoch]).permutation(n)
            rng = np.random.default_rng([self.a.seed, self.total])
            picked = pool[order[at:at + size]]
            losses.append(self.step(self.train.batch(picked, CONFIG["captions_per_image"], rng),
                                    CONFIG["scheduled_sampling_max"] * done))
            self.seen, self.total = self.seen + len(picked), self.total + len(picked)
            if self.seen // self.a.every != (self.seen - len(picked)) // self.a.every or self.seen >= self.a.until:
                self.report(losses, started)
                losses, started = [], time.time()


def main():
    ap = argparse.ArgumentParser(description="Train the captioner of drawn scenes.")
    ap.add_argument("data")
    ap.add_argument("held")
    ap.add_argument("out")
    ap.add_argument("--side", type=int, default=112, help="pixels of a side")
    ap.add_argument("--images", type=int, required=True, help="pictures to show in this stage")
    ap.add_argument("--until", type=int, help="stop before, after so many of them")
    ap.add_argument("--rate", type=float, default=2e-3)
    ap.add_argument("--average", type=float, default=0.998)
    ap.add_argument("--every", type=int, default=8000, help="pictures between reports")
    ap.add_argument("--limit", type=int, help="of DATA, only so many pictures")
    ap.add_argument("--pair-weight", type=int, default=1, help="how often pairs come, against other scenes")
    ap.add_argument("--held-limit", type=int, default=400)
    ap.add_argument("--fresh-schedule", action="store_true")
    ap.add_argument("--seed", type=int, default=1)
    a = ap.parse_args()
    a.until = min(a.images, a.until or a.images)
    torch.manual_seed(a.seed)
    torch.set_num_threads(2)
    Training(a).run()


if __name__ == "__main__":
    main()
