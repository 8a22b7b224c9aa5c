use bytes::Bytes; use std::time::Instant; use providers::*; use domain::model::Dialect;
fn main(){
 for size in [100usize, 10_000, 200_000] {
  let body = Bytes::from(format!(r#"{{"model":"openai/gpt-4.1-mini","messages":[{{"role":"system","content":"You are a helpful assistant, be brief"}},{{"role":"user","content":"{}"}}],"stream":true,"stream_options":{{"include_usage":true}},"max_tokens":100,"temperature":0.7,"user":"u-1"}}"#, "lorem ip ".repeat(size/9)));
  let t=Target{base_url:"https://api.openai.com/v1",upstream_model:"gpt-4.1-mini",credential:"sk-abc",event_id:"req_1.1",output_cap:Some(100)};
  let n=200_000_00/body.len().max(200);
  let s=Instant::now(); for _ in 0..n { std::hint::black_box(ChatRequest::parse(&body).ok()); } let p=s.elapsed()/n as u32;
  let r=ChatRequest::parse(&body).ok().unwrap();
  let s=Instant::now(); for _ in 0..n { std::hint::black_box(chat_request(Dialect::OpenAi,&r,&t).ok()); } let o=s.elapsed()/n as u32;
  let s=Instant::now(); for _ in 0..n { std::hint::black_box(chat_request(Dialect::Anthropic,&r,&t).ok()); } let a=s.elapsed()/n as u32;
  println!("{} B: parse {:?} openai {:?} anthropic {:?}", body.len(), p,o,a);
 }
 let ctx=AnswerContext{id:"gen-1790000000-019a0000000000000000000000000000".into(),created:1,model:"openai/gpt".into(),provider:"OpenAI".into(),exclude_reasoning:false};
 for (d,l) in [(Dialect::OpenAi,"data: {\"id\":\"chatcmpl-D8Z5oo6uDh67AD85p73ksdT1KxhE0\",\"object\":\"chat.completion.chunk\",\"created\":1770933892,\"model\":\"gpt-4.1-nano-2025-04-14\",\"service_tier\":\"default\",\"system_fingerprint\":\"fp_de604bd877\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Holiday\"},\"logprobs\":null,\"finish_reason\":null}],\"usage\":null,\"obfuscation\":\"dTh\"}\n\n"),(Dialect::Anthropic,"event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"'m doing well, thank you\"}}\n\n")] {
  let mut st=ChatStream::new(d,&ctx); let mut v=Vec::new(); let n=200_000; let s=Instant::now();
  for _ in 0..n { st.feed(l.as_bytes(), &mut v).unwrap(); v.clear(); }
  println!("{:?} chunk {:?}", d, s.elapsed()/n);
 }
}
