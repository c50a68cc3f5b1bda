"""Ask and tell around your own training code: no adapter, Querist chooses and keeps the books."""

from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression

import querist as q

x, y = load_digits(return_X_y=True)
x, y = x / 16, y.astype(str)
pool = q.Pool.from_arrays(x)  # the labels stay with you
session = q.Session(pool, task=q.Classification([str(digit) for digit in range(10)]), strategy="margin", seed=0)

rows = session.ask(20)  # nothing is known yet: drawn at random
session.tell(rows, y[rows])
while session.labels < 100:
    known = session.state.rows
    model = LogisticRegression(max_iter=1000).fit(x[known], y[known])
    snapshot = q.Snapshot.from_arrays(probs=model.predict_proba(x), labelled=known)
    rows = session.ask(20, snapshot=snapshot)
    session.tell(rows, y[rows])
    print(session.labels, "labels, the rest at", round(model.score(x, y), 3))
