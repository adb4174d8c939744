"""Named recipes, and the command line that trains them."""

import seq2seq as seq2seq  # first: in a command it takes the working folder off the search path
