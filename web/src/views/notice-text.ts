export interface NoticePart {
  heading: string | null;
  paragraphs: string[];
}

/** The notice is plain text: blank lines between paragraphs, "# " before headings. */
export function noticeParts(text: string): NoticePart[] {
  const parts: NoticePart[] = [];
  let part: NoticePart = { heading: null, paragraphs: [] };
  const flush = () => {
    if (part.heading !== null || part.paragraphs.length > 0) parts.push(part);
  };
  for (const block of text.replace(/\r\n/g, '\n').split(/\n{2,}/)) {
    const lines = block.trim().split('\n');
    if (lines[0]?.startsWith('# ')) {
      flush();
      part = { heading: lines[0].slice(2).trim(), paragraphs: [] };
      lines.shift();
    }
    const paragraph = lines.join(' ').trim();
    if (paragraph) part.paragraphs.push(paragraph);
  }
  flush();
  return parts;
}
