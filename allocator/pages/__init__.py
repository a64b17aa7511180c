"""The report: one page of HTML for a run or a comparison, made from the files of its folder alone."""

from allocator.pages.writing import PAGE, page_beside, write_page

__all__ = ["PAGE", "page_beside", "write_page"]
