"""The published captioner in PyTorch: the networks, the preprocessing and the two searches.

This is what the library is compared with.  It follows the published program operation by operation and makes no
attempt to be fast.  Needs Debian's python3-torch, python3-torchvision and python3-pil; building and using the library
needs none of them.

Shapes: B images or candidates, P = 49 positions, C encoder channels, E embedding, H hidden state, V words.
"""
import collections
import math
import os
import pickle
import sys
import types

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from PIL import Image
from torchvision.models.resnet import Bottleneck, ResNet

PAD, START, END, UNK = 0, 1, 2, 3
FIRST_WORD = 4  # smaller ids are the special tokens
MEAN = torch.tensor([0.485, 0.456, 0.406]).view(3, 1, 1)
STD = torch.tensor([0.229, 0.224, 0.225]).view(3, 1, 1)
ENDINGS = (".jpg", ".jpeg", ".png")
ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
OWN_PICTURES = [os.path.join(ROOT, "test", "vectors"), os.path.join(ROOT, "weights", "scenes", "demo")]


# ---- vocabulary ----

class Vocabulary:
    """Pickled as the published class, by the published module path (src.vocabulary)."""

    def __init__(self, words, freq_threshold):
        self.freq_threshold = freq_threshold
        self.itos = {PAD: "<pad>", START: "<start>", END: "<end>", UNK: "<unk>"}
        for word in words:
            self.itos[len(self.itos)] = word
        self.stoi = {w: i for i, w in self.itos.items()}
        self.word_freqs = collections.Counter({w: 3 + i % 97 for i, w in enumerate(words)})


Vocabulary.__module__ = "src.vocabulary"
sys.modules["src"] = types.ModuleType("src")
sys.modules["src.vocabulary"] = types.ModuleType("src.vocabulary")
sys.modules["src.vocabulary"].Vocabulary = Vocabulary


def words(vocabulary, ids):
    """The caption's text: special tokens are left out, <end> ends it."""
    out = []
    for i in ids:
        if i == END:
            break
        if i not in (PAD, START, UNK):
            out.append(vocabulary.itos.get(i, "<unk>"))
    return " ".join(out)


# ---- encoders ----

class Encoder(nn.Module):
    """ResNet-50 without pooling and classifier.  [B, 3, 224, 224] -> [B, P, C]"""

    def __init__(self, width):
        super().__init__()
        net = ResNet(Bottleneck, [3, 4, 6, 3])
        if width != 64:
            net.inplanes = width
            net.conv1 = nn.Conv2d(3, width, 7, 2, 3, bias=False)
            net.bn1 = nn.BatchNorm2d(width)
            net.layer1 = net._make_layer(Bottleneck, width, 3)
            net.layer2 = net._make_layer(Bottleneck, 2 * width, 4, 2)
            net.layer3 = net._make_layer(Bottleneck, 4 * width, 6, 2)
            net.layer4 = net._make_layer(Bottleneck, 8 * width, 3, 2)
        self.features = nn.Sequential(*list(net.children())[:-2])

    def forward(self, x):
        return self.features(x).flatten(2).transpose(1, 2)


class BaselineEncoder(nn.Module):
    """The encoder of the models without attention: pooled and projected.  [B, 3, 224, 224] -> [B, E]"""

    def __init__(self, width, embed):
        super().__init__()
        self.features = nn.Sequential(*Encoder(width).features, nn.AdaptiveAvgPool2d(1))
        self.project = nn.Linear(width * 32, embed)
        self.bn = nn.BatchNorm1d(embed, momentum=0.01)

    def forward(self, x):
        return self.bn(self.project(self.features(x).flatten(1)))


# ---- decoders ----
#
# Both have the same two methods, so that one search serves both:
#   start(features)                  -> state, a tuple of tensors whose first dimension is the candidate
#   step(features, tokens, state)    -> logits [B, V], state, alpha [B, P] or None
# `tokens` [B] are the last words, or None at the first step.

class Attention(nn.Module):
    def __init__(self, channels, hidden, attention):
        super().__init__()
        self.W_enc = nn.Linear(channels, attention)
        self.W_dec = nn.Linear(hidden, attention)
        self.V = nn.Linear(attention, 1)

    def forward(self, features, h):
        """[B, P, C], [B, H] -> context [B, C], alpha [B, P]"""
        score = self.V(torch.tanh(self.W_enc(features) + self.W_dec(h).unsqueeze(1))).squeeze(-1)
        alpha = F.softmax(score, dim=1)
        return (features * alpha.unsqueeze(-1)).sum(1), alpha


class Decoder(nn.Module):
    has_attention = True

    def __init__(self, vocabulary, channels, embed, hidden, attention, rnn):
        super().__init__()
        self.rnn_type = rnn
        self.attention = Attention(channels, hidden, attention)
        self.embedding = nn.Embedding(vocabulary, embed, padding_idx=PAD)
        self.init_h = nn.Linear(channels, hidden)
        self.init_c = nn.Linear(channels, hidden) if rnn == "lstm" else None
        self.rnn_cell = (nn.LSTMCell if rnn == "lstm" else nn.GRUCell)(embed + channels, hidden)
        self.fc = nn.Linear(hidden, vocabulary)

    def start(self, features):
        mean = features.mean(1)
        h = torch.tanh(self.init_h(mean))
        return (h, torch.tanh(self.init_c(mean))) if self.init_c else (h,)

    def step(self, features, tokens, state):
        count = len(state[0])
        if tokens is None:
            tokens = torch.full((count,), START)
        context, alpha = self.attention(features.expand(count, -1, -1), state[0])
        x = torch.cat([self.embedding(tokens), context], 1)
        if self.rnn_type == "lstm":
            state = self.rnn_cell(x, state)
        else:
            state = (self.rnn_cell(x, state[0]),)
        return self.fc(state[0]), state, alpha


class BaselineDecoder(nn.Module):
    """No attention: the image vector is the first input, and there is no <start>."""
    has_attention = False

    def __init__(self, vocabulary, embed, hidden, layers, rnn):
        super().__init__()
        self.kind, self.layers, self.hidden = rnn, layers, hidden
        self.embedding = nn.Embedding(vocabulary, embed, padding_idx=PAD)
        setattr(self, rnn, (nn.LSTM if rnn == "lstm" else nn.GRU)(embed, hidden, layers, batch_first=True))
        self.fc = nn.Linear(hidden, vocabulary)

    def start(self, features):
        zeros = torch.zeros(1, self.layers, self.hidden)
        return (zeros, zeros) if self.kind == "lstm" else (zeros,)

    def step(self, features, tokens, state):
        x = features if tokens is None else self.embedding(tokens)
        state = tuple(s.transpose(0, 1).contiguous() for s in state)  # PyTorch wants [layers, B, H]
        out, after = getattr(self, self.kind)(x.unsqueeze(1), state if self.kind == "lstm" else state[0])
        after = after if self.kind == "lstm" else (after,)
        return self.fc(out.squeeze(1)), tuple(s.transpose(0, 1) for s in after), None


# ---- preprocessing ----

def pictures(folders):
    """{file name: path} of the JPEG and PNG files in the folders, in order."""
    found = {}
    for folder in folders or OWN_PICTURES:
        for name in sorted(os.listdir(folder)):
            if not name.lower().endswith(ENDINGS):
                continue
            if name in found:
                raise SystemExit("%s: there is a picture of this name in another folder" % os.path.join(folder, name))
            found[name] = os.path.join(folder, name)
    return found


def preprocess(path):
    """-> pixels [224, 224, 3] uint8, input [1, 3, 224, 224]"""
    image = Image.open(path).convert("RGB").resize((224, 224), Image.BILINEAR)
    pixels = np.asarray(image)
    x = (torch.from_numpy(pixels.copy()).permute(2, 0, 1).float().div(255) - MEAN) / STD
    return pixels, x.unsqueeze(0)


# ---- the two searches, as the published system does them ----

def greedy(decoder, features, max_len=20):
    """-> ids, alphas [T, P] (no rows without attention), logits [T, V]"""
    state, tokens, ids, alphas, rows = decoder.start(features), None, [], [], []
    for _ in range(max_len):
        logits, state, alpha = decoder.step(features, tokens, state)
        tokens = logits.argmax(-1)
        ids.append(int(tokens))
        rows.append(logits[0].numpy())
        if alpha is not None:
            alphas.append(alpha[0].numpy())
        if ids[-1] == END:
            break
    return ids, np.stack(alphas) if alphas else np.zeros((0, 49)), np.stack(rows)


Candidate = collections.namedtuple("Candidate", "score tokens state")


def children(alive, logp, state, k):
    """The k best continuations of every candidate; and the best score that was left out."""
    top, index = logp.topk(k + 1, -1)
    kids = [Candidate(a.score + float(top[i, j]), a.tokens + [int(index[i, j])], tuple(s[i:i + 1] for s in state))
            for i, a in enumerate(alive) for j in range(k)]
    return kids, max(a.score + float(top[i, k]) for i, a in enumerate(alive))


def beam(decoder, features, k=5, max_len=20, length_alpha=0.7, penalty=1.2):
    """-> [(normalised score, ids)] best first, and the smallest difference of scores that decided anything."""
    alive, done, gap = [Candidate(0.0, [], decoder.start(features))], [], math.inf

    def finish(candidate):
        done.append((candidate.score / max(len(candidate.tokens), 1) ** length_alpha, candidate.tokens))

    for _ in range(max_len):
        slots = k - len(done)
        if not alive or slots <= 0:
            break
        last = torch.tensor([a.tokens[-1] for a in alive]) if alive[0].tokens else None
        state = tuple(torch.cat(parts) for parts in zip(*(a.state for a in alive)))
        logits, state, _ = decoder.step(features, last, state)
        logp = F.log_softmax(logits, -1)
        for i, a in enumerate(alive):
            for t in a.tokens:
                if t >= FIRST_WORD:
                    logp[i, t] /= penalty  # once per occurrence; this raises it, as log-probabilities are negative
        kids, dropped = children(alive, logp, state, k)
        kids.sort(key=lambda c: -c.score)
        next_best = max(dropped, kids[slots].score if len(kids) > slots else -math.inf)
        gap = min(gap, kids[slots - 1].score - next_best)
        kids = kids[:slots]
        for a, b in zip(kids, kids[1:]):
            gap = min(gap, a.score - b.score)
        for c in kids:
            if c.tokens[-1] == END:
                finish(c)
        alive = [c for c in kids if c.tokens[-1] != END]
    for candidate in alive:
        finish(candidate)
    done.sort(key=lambda r: -r[0])
    for a, b in zip(done, done[1:]):
        gap = min(gap, a[0] - b[0])
    return done[:k], gap


# ---- checkpoints ----

def load(path):
    """A checkpoint in the published layout -> encoder, decoder, config."""
    checkpoint = torch.load(path, map_location="cpu")
    config, weights = checkpoint["config"], checkpoint["decoder_state"]
    width = checkpoint["encoder_state"]["features.0.weight"].shape[0]
    words_count = weights["fc.bias"].numel()
    if "num_layers" in config:
        encoder = BaselineEncoder(width, config["embed_size"])
        decoder = BaselineDecoder(words_count, config["embed_size"], config["hidden_size"], config["num_layers"],
                                  config["rnn_type"])
    else:
        encoder = Encoder(width)
        decoder = Decoder(words_count, config["encoder_dim"], config["embed_size"], config["hidden_size"],
                          config["attention_dim"], config["rnn_type"])
    encoder.load_state_dict(checkpoint["encoder_state"])
    decoder.load_state_dict(weights)
    return encoder.eval(), decoder.eval(), config


def load_vocabulary(path):
    with open(path, "rb") as f:
        return pickle.load(f)
