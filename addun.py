import ast, sys; sys.path.insert(0,"/root/f/thin")
mine=open("/root/f/thin/mine.txt").read().split()
for f in sys.argv[1:]:
    p="/work/main/"+f; s=open(p).read(); t=ast.parse(s); lines=s.split("\n")
    assert "_unoptimised" not in s, f
    pm=[n for n in t.body if isinstance(n,ast.Assign) and getattr(n.targets[0],"id","")=="pytestmark"]
    mark='pytest.mark.usefixtures("_unoptimised")'
    if pm:
        n=pm[0]; a,b=n.lineno-1,n.end_lineno
        src="\n".join(lines[a:b])
        v=ast.get_source_segment(s,n.value)
        if isinstance(n.value,ast.List):
            els=[ast.get_source_segment(s,e) for e in n.value.elts]
        else: els=[v]
        lines[a:b]=["pytestmark = ["]+[f"    {e}," for e in els+[mark]]+["]"]
    else:
        last=max(n.end_lineno for n in t.body if isinstance(n,(ast.Import,ast.ImportFrom)) and n.lineno< next((m.lineno for m in t.body if isinstance(m,(ast.FunctionDef,ast.ClassDef,ast.Assign))),10**9))
        lines[last:last]=["",f"pytestmark = {mark}"]
        assert any(isinstance(n,ast.Import) and n.names[0].name=="pytest" for n in t.body), f
    open(p,"w").write("\n".join(lines))
    if f not in mine: open("/root/f/thin/mine.txt","a").write(f+"\n")
