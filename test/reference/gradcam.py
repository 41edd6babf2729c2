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

import reference


def feature_map(encoder, features, path):
    """[1, P, C]: the attention kind's features [P, C] themselves, else the baseline encoder's map of a picture."""
    if features is not None:
        return torch.from_numpy(features.astype("f8")).unsqueeze(0)
    with torch.no_grad():
        return encoder.features[:-1](reference.preprocess(path)[1]).flatten(2).transpose(1, 2).double()


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


def explain(encoder, decoder, features, path, ids):
    """-> weights, maps of all words.  features [P, C], None for the baseline kind."""
    f = feature_map(encoder, features, path).requires_grad_(True)
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
