"""Records -> what people look at: terminal tables, a workbook, a page. Computes no statistics.

Decisions, plans and pacing reports go in; text, workbooks and pages come out. Only the command
line imports it, and whoever asks for a page.
"""
