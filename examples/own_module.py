# Your own network and your own data set, in the loop.
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import Dataset

import querist as q


class Digits(Dataset):
    images, digits = load_digits(return_X_y=True)

    def __len__(self):
        return len(self.digits)

    def __getitem__(self, place):
        return self.images[place] / 16, str(self.digits[place])


net = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Dropout(0.2), nn.Linear(64, 10))
session = q.Session(q.Pool.from_dataset(Digits(), test=0.3), model=net, strategy="bald", seed=0)
while session.labels < 100:
    rows = session.ask(20)
    session.tell(rows, session.pool.truth(rows))
    session.fit()
    print(session.labels, "labels:", session.evaluate())
