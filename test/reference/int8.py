"""An int8 model computed with NumPy, from what docs/format.md says, without the library.

Integers are exact here: products and sums of bytes stay far below 2^53, so float64 holds them.  Everything else is
float32, one operation at a time, in the order that docs/format.md and docs/numerics.md give.
"""
import struct

import numpy as np

F = np.float32
TYPES = {0: "<f4", 3: "i1", 4: "<i2", 5: "u1"}
ROWS, QUADS = 0, 5
BLOCKS = (3, 4, 6, 3)


class Model:
    """The tensors and metadata of a .capw file; quads are unpacked to [O, ...taps, I]."""

    def __init__(self, path):
        with open(path, "rb") as f:
            data = f.read()
        count, = struct.unpack_from("<I", data, 12)
        metadata_at, entries = struct.unpack_from("<QI", data, 24)
        self.tensors, self.metadata = {}, {}
        for i in range(count):
            record = struct.unpack_from("<64s4I4I2Q", data, 64 + 128 * i)
            name = record[0].split(b"\0")[0].decode()
            dtype, layout, rank = record[1:4]
            dims, offset, size = record[5:5 + rank], record[9], record[10]
            values = np.frombuffer(data, TYPES[dtype], size // np.dtype(TYPES[dtype]).itemsize, offset)
            self.tensors[name] = unpack(values, dims) if layout == QUADS else values.reshape(dims)
            assert layout in (ROWS, QUADS), name
        for _ in range(entries):
            key_bytes, value_bytes = struct.unpack_from("<2I", data, metadata_at)
            key = data[metadata_at + 8:metadata_at + 8 + key_bytes - 1].decode()
            value = data[metadata_at + 8 + key_bytes:metadata_at + 8 + key_bytes + value_bytes - 1].decode()
            self.metadata[key] = value
            metadata_at += (8 + key_bytes + value_bytes + 3) // 4 * 4

    def __getitem__(self, name):
        return self.tensors[name]

    def get(self, name):
        return self.tensors.get(name)


def unpack(stored, dims):
    """[ceil(O/16), ...taps, ceil(I/4), 16, 4] to [O, ...taps, I]"""
    outputs, taps, inputs = dims[0], dims[1:-1], dims[-1]
    panels, quads = -(-outputs // 16), -(-inputs // 4)
    stored = stored.reshape((panels,) + taps + (quads, 16, 4))
    last = len(taps) + 1
    stored = np.moveaxis(stored, last + 1, 1)  # [panel, 16, ...taps, quad, 4]
    return stored.reshape((panels * 16,) + taps + (quads * 4,))[:outputs][..., :inputs]


def unpack_fine(halves):
    """[O, ceil(I/2)] bytes to [O, I] numbers of -8..7: of every 4 bytes the lower halves, then the upper ones."""
    halves = np.pad(halves, ((0, 0), (0, -halves.shape[1] % 4)))
    lines = halves.reshape(len(halves), -1, 1, 4).astype(np.int64)
    numbers = np.concatenate([lines & 15, lines >> 4], axis=2)
    return np.where(numbers > 7, numbers - 16, numbers).reshape(len(halves), -1)


def nearest(x, most, dtype):
    """The nearest whole number of 0..most, ties to even; 0 for NaN."""
    x = np.where(x > 0, x, F(0))
    return np.rint(np.minimum(x, F(most))).astype(dtype)


def to_byte(x):
    return nearest(x, 255, np.uint8)


def sums_of(bytes_, weights):
    """[rows, K] bytes times [O, K] weights"""
    return (bytes_.astype(np.float64) @ weights.astype(np.float64).T).astype(np.int64)


def scaled(sums, scale, bias):
    x = sums.astype(F) * scale
    return x if bias is None else x + bias


def linear(model, name, bytes_):
    return scaled(sums_of(bytes_, model[name + ".weight"]), model[name + ".scale"], model.get(name + ".bias"))


# ---- the encoder ----


def gather(x, kernel, stride, pad, border):
    """[H, W, C] to [h * w, kernel * kernel * C]"""
    x = np.pad(x, ((pad, pad), (pad, pad), (0, 0)))
    if pad:
        x[:pad] = x[-pad:] = border
        x[:, :pad] = x[:, -pad:] = border
    h, w = (x.shape[0] - kernel) // stride + 1, (x.shape[1] - kernel) // stride + 1
    taps = [x[dy:dy + stride * h:stride, dx:dx + stride * w:stride] for dy in range(kernel) for dx in range(kernel)]
    return np.concatenate(taps, axis=2).reshape(h * w, -1), h, w


class Encoder:
    def __init__(self, model):
        self.model = model
        self.maps = {}  # layer: bytes [h, w, c]
        self.wide = {}  # the same in 16 bits, 256ths of a byte's step
        self.ranges = {}

    def conv(self, layer, x, zero, stride=1, pad=0, add=None):
        name = "encoder." + layer
        weights = self.model[name + ".weight"]
        rows, h, w = gather(x, weights.shape[1], stride, pad, zero)
        value = scaled(sums_of(rows, weights.reshape(len(weights), -1)), self.model[name + ".scale"],
                       self.model[name + ".bias"])
        scale, zero_point = self.model[name + ".range"]
        if add:
            added, its_scale = add
            value = value + added.reshape(value.shape).astype(F) * (its_scale / scale / F(256))
        out = to_byte(value).reshape(h, w, -1)
        self.maps[layer], self.ranges[layer] = out, (scale, int(zero_point))
        self.wide[layer] = nearest(value * F(256), 65535, np.uint16).reshape(h, w, -1)
        return out

    def block(self, name, x, added, range_, stride):
        first = self.conv(name + ".conv1", x, range_[1])
        second = self.conv(name + ".conv2", first, self.ranges[name + ".conv1"][1], stride, 1)
        identity, its_range = added, range_
        if "encoder." + name + ".downsample.weight" in self.model.tensors:
            self.conv(name + ".downsample", x, range_[1], stride)
            identity, its_range = self.wide[name + ".downsample"], self.ranges[name + ".downsample"]
        out = self.conv(name + ".conv3", second, self.ranges[name + ".conv2"][1], add=(identity, its_range[0]))
        return out, self.wide[name + ".conv3"], self.ranges[name + ".conv3"]

    def run(self, pixels):
        """pixels [S, S, 3] bytes; returns the features [P, C] as bytes and their scale"""
        mean = np.array([F(m) for m in self.model.metadata["input.mean"].split()], F)
        x = self.conv("stem", pixels, to_byte(mean * F(255)), 2, 3)
        rows, h, w = gather(x, 3, 2, 1, 0)
        x = self.maps["maxpool"] = rows.reshape(h, w, 9, -1).max(axis=2)
        range_, added = self.ranges["stem"], None
        for stage, blocks in enumerate(BLOCKS, 1):
            for i in range(blocks):
                stride = 2 if i == 0 and stage > 1 else 1
                x, added, range_ = self.block("layer%d.%d" % (stage, i), x, added, range_, stride)
        return x.reshape(-1, x.shape[2]), range_[0]


# ---- float32 functions, operation by operation (kernels/ref/math.h) ----

INVERSE_LN2 = F(float.fromhex("0x1.715476p+0"))
LN2_HIGH, LN2_LOW = F(float.fromhex("0x1.62e4p-1")), F(float.fromhex("0x1.7f7d1cp-20"))
Q = [F(float.fromhex(q)) for q in
     ("0x1.fffffcp-2", "0x1.555492p-3", "0x1.5558f2p-5", "0x1.1239e2p-7", "0x1.6a2434p-10")]
P = [F(p) for p in ("-0.3333328", "0.13331442", "-0.053739715", "0.020639088", "-0.005704987")]
ONE = F(1)


def exp_q(r, square):
    return (Q[4] * square + (Q[3] * r + Q[2])) * square + (Q[1] * r + Q[0])


def times_power(x, n):
    return np.ldexp(x, n.astype(np.int32)).astype(F)


def exp(x):
    x = np.clip(x, F(-104), F(89))
    n = np.rint(x * INVERSE_LN2)
    r = (x - n * LN2_HIGH) - n * LN2_LOW
    square = r * r
    return times_power((square * exp_q(r, square) + r) + ONE, n)


def exp_close(x):
    x = np.clip(x, F(-104), F(89))
    n = np.rint(x * INVERSE_LN2)
    first, second = x - n * LN2_HIGH, n * LN2_LOW
    r = first - second
    total, square = ONE + r, r * r
    lost = ((first - r) - second) + (r - (total - ONE))
    return times_power(total + (square * exp_q(r, square) + lost), n)


def tanh(x):
    a = np.abs(x)
    z = a * a
    p = P[4] * z + P[3]
    for coefficient in P[2::-1]:
        p = p * z + coefficient
    large = ONE - F(2) / (exp(np.minimum(a, F(20)) * F(2)) + ONE)
    return np.copysign(np.where(a < F(0.625), (a * z) * p + a, large), x)


def sigmoid(x):
    e = exp_close(-np.abs(x))
    d = ONE + e
    lost = e - (d - ONE)
    q = np.where(x < 0, e, ONE) / d
    return q - q * (lost * (F(1.457) - F(0.5) * d))


def in_order(terms):
    """The sum over the first axis, one after the other."""
    total = np.zeros(terms.shape[1:], F)
    for term in terms:
        total = total + term
    return total


def in_parts(x):
    """The sums of rows [rows, n] in 16 parts."""
    part = np.zeros((len(x), 16), F)
    for i in range(0, x.shape[1], 16):
        width = min(16, x.shape[1] - i)
        part[:, :width] = part[:, :width] + x[:, i:i + width]
    for half in (8, 4, 2, 1):
        part[:, :half] = part[:, :half] + part[:, half:2 * half]
    return part[:, 0]


# ---- the decoder ----


class Decoder:
    """One hypothesis: what `greedy` search follows."""

    def __init__(self, model):
        self.model, self.lstm = model, model.metadata["model.rnn"] == "lstm"
        self.attention = model.metadata["model.kind"] == "attention"
        self.layers = int(model.metadata["model.layers"])
        hidden = model["fc.weight"].shape[1]
        self.h = [np.zeros(hidden, F) for _ in range(self.layers)]
        self.c = [np.zeros(hidden, F) for _ in range(self.layers)]

    def state_bytes(self, h):
        return to_byte(h * F(127) + F(128))[None]

    def positive(self, name, x):
        """A Linear layer of numbers that are not negative: 255 is the largest."""
        most = x.max()
        bytes_ = to_byte(x * (F(255) / most if most > 0 else F(0)) + F(0))
        value = scaled(sums_of(bytes_[None], self.model[name + ".weight"])[0], self.model[name + ".scale"], None)
        return value * (most / F(255)) + self.model[name + ".bias"]

    def mean(self, features):
        return in_order(features) / F(len(features))

    def begin(self, features, scale):
        """features [P, C] bytes"""
        values = features.astype(F) * scale
        if not self.attention:
            self.first = self.positive("project", self.mean(values))
            return
        self.encoded = linear(self.model, "attention.enc", features)
        self.context = self.gates("rnn.0.context", features)
        self.h[0] = tanh(self.positive("init_h", self.mean(values)))
        if self.lstm:
            self.c[0] = tanh(self.positive("init_c", self.mean(values)))

    def gates(self, name, bytes_):
        """A product of the cell's gates, whose candidate, the third, may have a second product."""
        x = linear(self.model, name, bytes_)
        if name + ".rest.weight" in self.model.tensors:
            rest = linear(self.model, name + ".rest", bytes_)
            x[:, 2 * rest.shape[1]:3 * rest.shape[1]] += rest
        return x

    def attend(self, h):
        query = linear(self.model, "attention.dec", h)[0]
        terms = self.model["attention.v.weight"] * tanh(self.encoded + query)
        score = self.model["attention.v.bias"][0] + in_parts(terms)
        e = exp(score - score.max())
        return e / in_order(e)

    def cell(self, layer, x, w):
        if self.lstm:
            i, f, g, o = [a + b for a, b in zip(np.split(x, 4), np.split(w, 4))]
            self.c[layer] = sigmoid(f) * self.c[layer] + sigmoid(i) * tanh(g)
            return sigmoid(o) * tanh(self.c[layer])
        (xr, xz, xn), (hr, hz, hn) = np.split(x, 3), np.split(w, 3)
        r, z = sigmoid(xr + hr), sigmoid(xz + hz)
        return (ONE - z) * tanh(xn + r * hn) + z * self.h[layer]

    def step(self, word):
        """Logits [V] and attention [P] after `word`; None stands for the image, in the baseline kind."""
        if word is None:
            scale, zero = self.model["embedding.range"]
            below = to_byte(self.first * (ONE / scale) + zero)[None]
        else:
            below = self.model["embedding.weight"][word][None]
        alpha = None
        for layer in range(self.layers):
            x = linear(self.model, "rnn.%d.input" % layer, below)[0]
            h = self.state_bytes(self.h[layer])
            if self.attention:
                alpha = self.attend(h)
                x = x + in_order(alpha[:, None] * self.context)
            self.h[layer] = self.cell(layer, x, self.gates("rnn.%d.hidden" % layer, h)[0])
            below = self.state_bytes(self.h[layer])
        return self.logits(below, self.h[-1]), alpha

    def logits(self, state, h):
        """From 8 bits of each weight and state; then what these states lack, and what 4 bits more of the weights
        add, 128 inputs after the other."""
        x = linear(self.model, "fc", state)[0]
        if "fc.fine" not in self.model.tensors:
            return x
        rest = to_byte((h * F(127) + F(128) - state[0].astype(F)) * F(254) + F(128))[None]
        x = x + scaled(sums_of(rest, self.model["fc.weight"])[0], self.model["fc.scale"] * (ONE / F(254)), None)
        fine, bias = unpack_fine(self.model["fc.fine"]), self.model["fc.fine_bias"]
        state = np.pad(state, ((0, 0), (0, fine.shape[1] - state.shape[1])))
        for i in range(0, fine.shape[1], 128):
            part = sums_of(state[:, i:i + 128], fine[:, i:i + 128])[0]
            x = x + scaled(part, self.model["fc.fine_scale"], bias)
            bias = None
        return x
