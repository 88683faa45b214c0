"""Programs over sequences that are measured: a recurrent network, and a small GPT (after nanoGPT's model.py). As those of programs.py."""

from __future__ import annotations

import math

import numpy as np

VOCABULARY = 65  # characters of Shakespeare


def lstm_step(t, batch: int = 32, steps: int = 64, width: int = 256, layers: int = 2):
    """A character model: embedding, LSTM, Linear; the next character's cross entropy."""
    nn = t.nn

    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.embedding = nn.Embedding(VOCABULARY, width)
            self.lstm = nn.LSTM(width, width, num_layers=layers, batch_first=True)
            self.head = nn.Linear(width, VOCABULARY)

        def forward(self, x):
            out, _ = self.lstm(self.embedding(x))
            return self.head(out)

    t.manual_seed(0)
    model = Model()
    return _next_character(t, model, t.optim.Adam(model.parameters(), lr=1e-3), batch, steps)


def _next_character(t, model, optimizer, batch: int, steps: int):
    text = np.random.default_rng(0).integers(0, VOCABULARY, (batch, steps + 1))
    x, y = t.tensor(text[:, :-1].copy()), t.tensor(text[:, 1:].copy())

    def step():
        logits = model(x)
        loss = t.nn.functional.cross_entropy(logits.view(-1, VOCABULARY), y.view(-1))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss.item()

    return step


def varying_step(t, batch: int = 16, width: int = 64):
    """A cell of one's own over sequences of 20 to 100 steps, another number in every batch; as the tutorials write it, a loop in Python."""
    nn = t.nn
    t.manual_seed(0)
    cell, head = nn.GRUCell(width, width), nn.Linear(width, 1)
    optimizer = t.optim.SGD([*cell.parameters(), *head.parameters()], lr=0.01)
    numbers = np.random.default_rng(0)

    def step():
        x = t.tensor(numbers.standard_normal((int(numbers.integers(20, 101)), batch, width)).astype(np.float32))
        hidden, loss = t.zeros(batch, width), 0.0
        for now in x:
            hidden = cell(now, hidden)
            loss = loss + (head(hidden).squeeze(1) - now[:, 0]).pow(2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss.item()

    return step


def episode_step(t):
    """An episode of 20 to 100 steps of actor-critic, after PyTorch's example: every action is looked at, one backward at the end."""
    nn, functional = t.nn, t.nn.functional
    t.manual_seed(0)
    body, action, value = nn.Linear(4, 128), nn.Linear(128, 2), nn.Linear(128, 1)
    optimizer = t.optim.Adam([*body.parameters(), *action.parameters(), *value.parameters()], lr=1e-3)
    numbers = np.random.default_rng(0)

    def step():
        said, rewards = [], []
        for _ in range(int(numbers.integers(20, 101))):
            hidden = functional.relu(body(t.from_numpy(numbers.standard_normal(4).astype(np.float32))))
            chances = t.distributions.Categorical(functional.softmax(action(hidden), dim=-1))
            chosen = chances.sample()
            said.append((chances.log_prob(chosen), value(hidden)))
            rewards.append(float(chosen.item()))
        losses = []
        for (chance, v), reward in zip(said, t.tensor(rewards)):
            losses.append(-chance * (reward - v.item()) + functional.smooth_l1_loss(v, reward.view(1)))
        optimizer.zero_grad()
        t.stack(losses).sum().backward()
        optimizer.step()

    return step


def gpt(t, context: int, layers: int, heads: int, width: int):
    """nanoGPT's model without dropout. Source: https://github.com/karpathy/nanoGPT, model.py; its sizes for Shakespeare's characters on a laptop."""
    nn, functional = t.nn, t.nn.functional

    class CausalSelfAttention(nn.Module):
        def __init__(self):
            super().__init__()
            self.c_attn = nn.Linear(width, 3 * width)
            self.c_proj = nn.Linear(width, width)

        def forward(self, x):
            B, T, C = x.size()
            q, k, v = self.c_attn(x).split(width, dim=2)
            k = k.view(B, T, heads, C // heads).transpose(1, 2)
            q = q.view(B, T, heads, C // heads).transpose(1, 2)
            v = v.view(B, T, heads, C // heads).transpose(1, 2)
            y = functional.scaled_dot_product_attention(q, k, v, attn_mask=None, dropout_p=0, is_causal=True)
            y = y.transpose(1, 2).contiguous().view(B, T, C)
            return self.c_proj(y)

    class MLP(nn.Module):
        def __init__(self):
            super().__init__()
            self.c_fc = nn.Linear(width, 4 * width)
            self.gelu = nn.GELU()
            self.c_proj = nn.Linear(4 * width, width)

        def forward(self, x):
            return self.c_proj(self.gelu(self.c_fc(x)))

    class Block(nn.Module):
        def __init__(self):
            super().__init__()
            self.ln_1 = nn.LayerNorm(width)
            self.attn = CausalSelfAttention()
            self.ln_2 = nn.LayerNorm(width)
            self.mlp = MLP()

        def forward(self, x):
            x = x + self.attn(self.ln_1(x))
            return x + self.mlp(self.ln_2(x))

    class GPT(nn.Module):
        def __init__(self):
            super().__init__()
            self.transformer = nn.ModuleDict(
                {
                    "wte": nn.Embedding(VOCABULARY, width),
                    "wpe": nn.Embedding(context, width),
                    "h": nn.ModuleList([Block() for _ in range(layers)]),
                    "ln_f": nn.LayerNorm(width),
                }
            )
            self.lm_head = nn.Linear(width, VOCABULARY, bias=False)
            self.transformer.wte.weight = self.lm_head.weight
            self.apply(self._init_weights)
            for name, p in self.named_parameters():
                if name.endswith("c_proj.weight"):
                    nn.init.normal_(p, mean=0.0, std=0.02 / math.sqrt(2 * layers))

        def _init_weights(self, module):
            if isinstance(module, nn.Linear):
                nn.init.normal_(module.weight, mean=0.0, std=0.02)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
            elif isinstance(module, nn.Embedding):
                nn.init.normal_(module.weight, mean=0.0, std=0.02)

        def forward(self, idx):
            pos = t.arange(0, idx.size()[1], dtype=t.long)
            x = self.transformer.wte(idx) + self.transformer.wpe(pos)
            for block in self.transformer.h:
                x = block(x)
            return self.lm_head(self.transformer.ln_f(x))

    t.manual_seed(0)
    return GPT()


def gpt_step(t, batch: int = 12, context: int = 64, layers: int = 4, heads: int = 4, width: int = 128):
    model = gpt(t, context, layers, heads, width)
    decayed = [p for p in model.parameters() if p.dim() >= 2]
    others = [p for p in model.parameters() if p.dim() < 2]
    groups = [{"params": decayed, "weight_decay": 0.1}, {"params": others, "weight_decay": 0.0}]
    return _next_character(t, model, t.optim.AdamW(groups, lr=1e-3, betas=(0.9, 0.99)), batch, context)
