package consent

import "time"

// KeyEpochLife is how long the key of an epoch exists. After it nothing that was sealed under that epoch
// can be opened, wherever a copy of it may lie; this bounds how long a backup can bring back what was
// erased.
const KeyEpochLife = 21 * 24 * time.Hour
