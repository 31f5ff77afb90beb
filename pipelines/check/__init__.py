"""Is every fact of an answer in its evidence? Clause by clause; the worst clause decides.

reading      a text as the checks read it: folded, cut into clauses, its headings, and what it mentions
quantities   numbers with units, ranges, comparators, per kg, per day, per dose; made of numerals, units, comparators,
             roles and frequencies (每日 and 3次, lists)
facts        the amounts of a case side by side: same value, part of a range, how near; used by comparisons, absences
derivations  what follows from amounts by plain arithmetic
lexicon      the names that mentions looks for, and a list of the user's (`use_lexicon`)
mentions     drugs, diseases, tests, routes, populations, actors, authorities: words with a meaning of their own
marks        negation, permission, modality, universals, causes: words that turn a statement
stances      what a text forbids, allows or demands: marks on one scale, headings and lead-ins passed down
pairs        each stance of an answer beside those of its evidence
places       clauses, sentences and names by place
records      what a value or a name stands with: words, names, ages, headings
terms        parallel names that only the evidence knows
shapes       nouns that no list has, by their endings
slots        which name of the evidence stands where the answer has another; series: things told in a row
support      what the evidence, the question and the patient name, under any alias
content      the words of a clause that say something, and how much each weighs
concepts     words by what they mean: 发烧, 发热 and 体温升高 are one
alignment    which clause of the evidence speaks of what a clause of the answer says
signals      what a check found: where, how sure, and a sentence for a reviewer
<check>      one module a check: Case → signals
features     signals and coverage of a clause as numbers
classifier   numbers → probability that the clause is not supported
verdict      clauses → keep, quarantine or reject
"""
