"""What each row of the table must answer on series whose answer is known. The figures are worked out by hand."""
