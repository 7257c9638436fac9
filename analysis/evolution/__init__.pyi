from .evolve import Question as Question
from .evolve import evolved as evolved
from .evolve import names_of as names_of
from .initial import beginning as beginning
from .initial import has_automatic_cutoff as has_automatic_cutoff
