"""Many plans unattended: cases from a batch file, carried out by workers, kept safe by a journal, judged by rules."""
