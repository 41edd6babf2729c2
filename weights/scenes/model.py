"""The captioner in PyTorch, by the published names, and decoding as the library does it.

Used by train.py and evaluate.py.  ResNet-50's graph at any width, Bahdanau attention and a
GRU cell; state dicts have the published keys.  Reads and writes no files but the vocabulary.
"""
import collections
import pickle
import sys
import types

import torch
import torch.nn as nn
import torch.nn.functional as F
from torchvision.models.resnet import Bottleneck, ResNet

PAD, START, END, UNK = 0, 1, 2, 3
MEAN = torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1)
STD = torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1)


class Vocabulary:
    """Pickled by the published module path, so that its readers know it."""

    def __init__(self, captions, freq_threshold=1):
        self.freq_threshold = freq_threshold
        self.word_freqs = collections.Counter(w for c in captions for w in c.split())
        known = sorted(w for w, n in self.word_freqs.items() if n >= freq_threshold)
        self.itos = dict(enumerate(["<pad>", "<start>", "<end>", "<unk>"] + known))
        self.stoi = {w: i for i, w in self.itos.items()}

    def text(self, ids):
        return " ".join(self.itos[i] for i in ids if i > UNK)


Vocabulary.__module__ = "src.vocabulary"
for module in ("src", "src.vocabulary"):
    sys.modules.setdefault(module, types.ModuleType(module))
sys.modules["src.vocabulary"].Vocabulary = Vocabulary


def load_vocabulary(path):
    with open(path, "rb") as f:
        return pickle.load(f)


def normalised(pixels):
    """uint8 [B, 3, S, S] as the network's input."""
    return ((pixels.float() / 255 - MEAN) / STD).contiguous(memory_format=torch.channels_last)


class Encoder(nn.Module):
    def __init__(self, width):
        super().__init__()
        net = ResNet(Bottleneck, [3, 4, 6, 3], zero_init_residual=True)
        if width != 64:
            net.inplanes = width
            net.conv1 = nn.Conv2d(3, width, 7, 2, 3, bias=False)
            net.bn1 = nn.BatchNorm2d(width)
            for i, blocks in enumerate((3, 4, 6, 3)):
                setattr(net, f"layer{i + 1}", net._make_layer(Bottleneck, width << i, blocks, 1 if i == 0 else 2))
            for m in net.modules():
                if isinstance(m, nn.Conv2d):
                    nn.init.kaiming_normal_(m.weight, mode="fan_out", nonlinearity="relu")
                elif isinstance(m, Bottleneck):
                    nn.init.zeros_(m.bn3.weight)
        self.features = nn.Sequential(*list(net.children())[:-2])

    def forward(self, x):
        """[B, 3, S, S] -> maps of stage 3 [B, 16 width, S/16, S/16] and 4 [B, 32 width, S/32, S/32]"""
        middle = self.features[:7](x)
        return middle, self.features[7](middle)


def positions(map4):
    """[B, C, h, w] -> [B, h w, C]"""
    return map4.flatten(2).transpose(1, 2).contiguous()


class Attention(nn.Module):
    def __init__(self, enc, hid, att):
        super().__init__()
        self.W_enc, self.W_dec, self.V = nn.Linear(enc, att), nn.Linear(hid, att), nn.Linear(att, 1)

    def forward(self, feat, keys, h):
        """feat [B, P, C], keys = W_enc feat [B, P, A], h [B, H] -> context [B, C], alpha [B, P]"""
        score = self.V(torch.tanh(keys + self.W_dec(h).unsqueeze(1))).squeeze(-1)
        alpha = F.softmax(score, dim=1)
        return torch.bmm(alpha.unsqueeze(1), feat).squeeze(1), alpha


class Decoder(nn.Module):
    def __init__(self, vocab, enc, emb, hid, att):
        super().__init__()
        self.attention = Attention(enc, hid, att)
        self.embedding = nn.Embedding(vocab, emb, padding_idx=PAD)
        self.init_h = nn.Linear(enc, hid)
        self.rnn_cell = nn.GRUCell(emb + enc, hid)
        self.fc = nn.Linear(hid, vocab)

    def start(self, feat):
        return torch.tanh(self.init_h(feat.mean(1))), self.attention.W_enc(feat)

    def step(self, feat, keys, token, h, drop=0.0):
        context, alpha = self.attention(feat, keys, h)
        h = self.rnn_cell(torch.cat([self.embedding(token), context], 1), h)
        return self.fc(F.dropout(h, drop, self.training)), alpha, h


def build(config, vocab_size):
    enc = Encoder(config["encoder_dim"] // 32).to(memory_format=torch.channels_last)
    return enc, Decoder(vocab_size, config["encoder_dim"], config["embed_size"],
                        config["hidden_size"], config["attention_dim"])


@torch.no_grad()
def greedy(dec, feat, max_len=20):
    """Token lists of a batch of features [B, P, C]."""
    h, keys = dec.start(feat)
    token, out = torch.full((len(feat),), START), []
    for _ in range(max_len):
        logits, _, h = dec.step(feat, keys, token, h)
        token = logits.argmax(1)
        out.append(token)
    rows = torch.stack(out, 1).tolist()
    return [row[:row.index(END)] if END in row else row for row in rows]


@torch.no_grad()
def beam(dec, feat, config):
    """Best caption of one image, feat [1, P, C]: (tokens, alpha of each token [T, P], score)."""
    k, penalty = config["decode_beams"], config["decode_repetition_penalty"]
    h, keys = dec.start(feat)
    alive, done = [(0.0, [START], h, [])], []
    for _ in range(config["decode_max_length"]):
        slots = k - len(done)
        if not alive or slots <= 0:
            break
        n = len(alive)
        logits, alpha, h = dec.step(feat.expand(n, -1, -1), keys.expand(n, -1, -1),
                                    torch.tensor([a[1][-1] for a in alive]), torch.cat([a[2] for a in alive]))
        logp = F.log_softmax(logits, 1)
        for i, a in enumerate(alive):
            for t in a[1]:
                if t > UNK:
                    logp[i, t] /= penalty               # once per occurrence, as published
        top, idx = logp.topk(k, 1)
        children = [(a[0] + float(top[i, j]), a[1] + [int(idx[i, j])], h[i:i + 1], a[3] + [alpha[i]])
                    for i, a in enumerate(alive) for j in range(k)]
        children.sort(key=lambda c: -c[0])
        alive = []
        for child in children[:slots]:
            (done if child[1][-1] == END else alive).append(child)
    ranked = sorted(((s / max(len(t) - 1, 1) ** config["decode_length_alpha"], t[1:], maps)
                     for s, t, _, maps in done + alive), key=lambda r: -r[0])
    score, tokens, maps = ranked[0]
    return tokens, torch.stack(maps), score
