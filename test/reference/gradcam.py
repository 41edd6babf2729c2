"""Grad-CAM by PyTorch's autograd, for check_reference.py: what each word of a caption owes to the image.

y is the log-probability of a token after those before it, f the encoder's last map, [P, C].
    weights [T, C]  the mean over the positions of dy / df
    maps [T, P]     at each position the sum over the channels of weights times f, or 0 where that is negative
Everything is computed in doubles.
"""
import copy

import numpy as np
import torch
import torch.nn.functional as F


def start_of(encoder, decoder, f):
    """What the decoder is given: the map, or the baseline kind's vector."""
    return f if decoder.has_attention else encoder.bn(encoder.project(f.mean(1)))


def log_probabilities(encoder, decoder, f, ids):
    features, tokens, out = start_of(encoder, decoder, f), None, []
    state = decoder.start(features)
    if not decoder.has_attention:
        state = tuple(s.double() for s in state)
    for token in ids:
        logits, state, _ = decoder.step(features, tokens, state)
        out.append(F.log_softmax(logits, -1)[0, token])
        tokens = torch.tensor([token])
    return out


def explain(encoder, decoder, feature_map, ids):
    """-> weights, maps of all words, for a feature map [P, C]."""
    f = torch.from_numpy(feature_map.astype("f8")).unsqueeze(0).requires_grad_(True)
    decoder = copy.deepcopy(decoder).double()
    if not decoder.has_attention:
        encoder = copy.deepcopy(encoder).double()
    weights, maps = [], []
    for y in log_probabilities(encoder, decoder, f, ids):
        gradient = torch.autograd.grad(y, f, retain_graph=True)[0][0]
        w = gradient.mean(0)
        weights.append(w.numpy())
        maps.append(F.relu((w * f[0].detach()).sum(1)).numpy())
    return np.stack(weights), np.stack(maps)
